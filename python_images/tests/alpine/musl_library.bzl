"""musl_library: a library compiled for musl, as Alpine packages."""

load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS")
load("//toolchains/musl:rules.bzl", "MuslToolchainInfo", "musl_toolchain_args")

def _musl_library_impl(ctx):
    toolchain = ctx.attr.toolchain[MuslToolchainInfo]
    args = ctx.actions.args()
    args.add("--name", ctx.attr.library)
    args.add("--arch", ctx.attr.arch)
    args.add("--source", ctx.file.source)
    inputs = musl_toolchain_args(args, toolchain)
    args.add("--work", ctx.outputs.apk.path + ".work")
    args.add("--out", ctx.outputs.apk)
    args.add("--dev", ctx.outputs.dev)
    ctx.actions.run(
        executable = ctx.executable._build,
        arguments = [args],
        inputs = inputs + [ctx.file.source],
        outputs = [ctx.outputs.apk, ctx.outputs.dev],
        mnemonic = "MuslLibrary",
        progress_message = "Compiling {} for {}".format(ctx.attr.library, toolchain.label),
    )

musl_library = rule(
    implementation = _musl_library_impl,
    doc = "Two packages: the library, and what it takes to compile with it.",
    attrs = {
        "apk": attr.output(mandatory = True),
        "arch": attr.string(mandatory = True, doc = "Alpine's name of the architecture"),
        "dev": attr.output(mandatory = True),
        "library": attr.string(mandatory = True, doc = "a recipe of build_library.py"),
        "source": attr.label(mandatory = True, allow_single_file = True),
        "toolchain": attr.label(mandatory = True, providers = [MuslToolchainInfo]),
        "_build": attr.label(
            default = ":build_library",
            executable = True,
            cfg = "exec",
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)
