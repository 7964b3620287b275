"""jit_stencils: the machine code that CPython's JIT puts together, as an input of compiling CPython."""

load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS", "ToolchainInfo", "toolchain_args")
load(":compile.bzl", "compile_resources")
load(":configuration.bzl", "one_configuration")

def _jit_stencils_impl(ctx):
    toolchain = ctx.attr.toolchain[ToolchainInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--version", ctx.attr.version)
    args.add("--source", ctx.file.source)
    args.add("--build-python", ctx.file.build_python)
    args.add("--config-site", ctx.file.config_site or ctx.file._config_site)
    archives = toolchain_args(args, toolchain)
    args.add("--llvm", ctx.file.clang)
    args.add("--clang", ctx.attr.clang_version)
    args.add("--epoch", ctx.attr.epoch)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._generate,
        arguments = [args],
        inputs = archives + [
            ctx.file.build_python,
            ctx.file.clang,
            ctx.file.source,
            ctx.file._config_site,
        ] + ctx.files.config_site,
        outputs = [out],
        mnemonic = "GenerateStencils",
        progress_message = "Compiling the JIT's code of CPython {} for {}".format(
            ctx.attr.version,
            toolchain.triplet,
        ),
        resource_set = compile_resources,
    )
    return [DefaultInfo(files = depset([out]))]

jit_stencils = rule(
    implementation = _jit_stencils_impl,
    cfg = one_configuration,
    doc = "What CPython generates by clang for its JIT, for one platform: <name>.tar of headers.",
    attrs = {
        "build_python": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "the build_python of the same version",
        ),
        "clang": attr.label(
            mandatory = True,
            allow_single_file = [".tar"],
            doc = "//toolchains/cc:clang_<version>",
        ),
        "clang_version": attr.string(mandatory = True, doc = "its major version"),
        "config_site": attr.label(
            allow_single_file = True,
            doc = "answers for configure, if those of //tools/cpython:config.site don't do",
        ),
        "epoch": attr.int(mandatory = True, doc = "time of all files, and of the build"),
        "source": attr.label(mandatory = True, allow_single_file = [".tar.gz", ".tar.xz"]),
        "toolchain": attr.label(
            mandatory = True,
            providers = [ToolchainInfo],
            doc = "a compiler for the platform; its sysroot has the headers",
        ),
        "version": attr.string(mandatory = True, doc = "the release, as python.org names it"),
        "_config_site": attr.label(
            default = "//tools/cpython:config.site",
            allow_single_file = True,
        ),
        "_generate": attr.label(
            default = "//tools/cpython:stencils",
            executable = True,
            cfg = "exec",
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)
