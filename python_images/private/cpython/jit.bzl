"""jit_stencils: the machine code that CPython's JIT puts together, as an input of compiling CPython."""

load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS", "ToolchainInfo", "toolchain_args")
load(":compile.bzl", "CONFIGURE_ATTRS", "compile_resources", "configure_args")
load(":configuration.bzl", "one_configuration")

def _jit_stencils_impl(ctx):
    toolchain = ctx.attr.toolchain[ToolchainInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--version", ctx.attr.version)
    named = configure_args(ctx, args, toolchain, toolchain_args)
    args.add("--llvm", ctx.file.clang)
    args.add("--clang", ctx.attr.clang_version)
    args.add("--epoch", ctx.attr.epoch)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._generate,
        arguments = [args],
        inputs = named + [ctx.file.clang],
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
    attrs = CONFIGURE_ATTRS | {
        "clang": attr.label(
            mandatory = True,
            allow_single_file = [".tar"],
            doc = "//toolchains/cc:clang_<version>",
        ),
        "clang_version": attr.string(mandatory = True, doc = "its major version"),
        "toolchain": attr.label(
            mandatory = True,
            providers = [ToolchainInfo],
            doc = "a compiler for the platform; its sysroot has the headers",
        ),
        "_generate": attr.label(
            default = "//tools/cpython:stencils",
            executable = True,
            cfg = "exec",
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)
