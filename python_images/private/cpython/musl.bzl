"""cpython_musl: CPython compiled for a release and platform of Alpine's."""

load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS")
load("//toolchains/musl:rules.bzl", "MuslToolchainInfo", "musl_toolchain_args")
load(":compile.bzl", "COMPILE_ATTRS", "CPythonInfo", "compile_cpython")
load(":configuration.bzl", "one_configuration")

def _cpython_musl_impl(ctx):
    return compile_cpython(
        ctx,
        options = ["--optimization", "none"],
        program = ctx.executable._compile_setup_py if ctx.attr.setup_py else ctx.executable._compile,
        toolchain = ctx.attr.toolchain[MuslToolchainInfo],
        toolchain_args = musl_toolchain_args,
    )

cpython_musl = rule(
    implementation = _cpython_musl_impl,
    cfg = one_configuration,
    doc = "CPython for one release and platform of Alpine's, cross-compiled: <name>.tar of " +
          "usr/local, without symbols. It's the image's layer as it is.",
    attrs = COMPILE_ATTRS | {
        "toolchain": attr.label(mandatory = True, providers = [MuslToolchainInfo]),
        "_compile": attr.label(
            default = "//tools/cpython:compile_musl",
            executable = True,
            cfg = "exec",
        ),
        "_compile_setup_py": attr.label(
            default = "//tools/cpython:compile_musl_setup_py",
            executable = True,
            cfg = "exec",
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
    provides = [CPythonInfo],
)
