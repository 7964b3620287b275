"""musl_library: a library or program compiled for musl, as Alpine packages."""

load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS")
load("//toolchains/musl:rules.bzl", "MuslToolchainInfo", "musl_toolchain_args")
load(":recipes.bzl", "OPENSSL_TARGETS")

def _compile(ctx):
    """Declares the compilation; returns the tar of what is installed."""
    toolchain = ctx.attr.toolchain[MuslToolchainInfo]
    tree = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--name", ctx.attr.package)
    args.add("--source", ctx.file.source)
    args.add_all(ctx.attr.commands, before_each = "--command")
    args.add("--word", "arch=" + ctx.attr.arch)
    args.add("--word", "loader=lib/ld-musl-{}.so.1".format(ctx.attr.loader))
    args.add("--word", "openssl=" + OPENSSL_TARGETS[ctx.attr.arch])
    args.add_all(["{}={}".format(*pair) for pair in ctx.attr.environment.items()], before_each = "--env")
    inputs = musl_toolchain_args(args, toolchain)
    if ctx.attr.build_toolchain:
        build = ctx.attr.build_toolchain[MuslToolchainInfo]
        args.add("--build-sysroot", build.sysroot)
        args.add("--build-libgcc", build.libgcc)
        args.add("--build-target", build.target)
        inputs += [build.sysroot, build.libgcc]
    args.add("--tools", ctx.file._tools)
    args.add("--work", tree.path + ".work")
    args.add("--out", tree)
    ctx.actions.run(
        executable = ctx.executable._build,
        arguments = [args],
        inputs = inputs + [ctx.file._tools, ctx.file.source],
        outputs = [tree],
        mnemonic = "MuslLibrary",
        progress_message = "Compiling {} for {}".format(ctx.attr.package, toolchain.label),
    )
    return tree

def _musl_library_impl(ctx):
    tree = _compile(ctx)
    outputs = [ctx.outputs.apk] + ([ctx.outputs.dev] if ctx.outputs.dev else [])
    args = ctx.actions.args()
    args.add("--name", ctx.attr.package)
    args.add("--arch", ctx.attr.arch)
    args.add_all(ctx.attr.fields, before_each = "--field")
    args.add_all(["{}={}".format(*pair) for pair in ctx.attr.scripts.items()], before_each = "--script")
    args.add("--tree", tree)
    args.add("--out", ctx.outputs.apk)
    if ctx.outputs.dev:
        args.add("--dev", ctx.outputs.dev)
    ctx.actions.run(
        executable = ctx.executable._pack,
        arguments = [args],
        inputs = [tree],
        outputs = outputs,
        mnemonic = "PackLibrary",
        progress_message = "Packing %{label}",
    )
    return [DefaultInfo(files = depset(outputs))]

musl_library = rule(
    implementation = _musl_library_impl,
    doc = "Two packages: the library, and what it takes to compile with it.",
    attrs = {
        "apk": attr.output(mandatory = True),
        "arch": attr.string(mandatory = True, doc = "Alpine's name of the architecture"),
        "build_toolchain": attr.label(
            providers = [MuslToolchainInfo],
            doc = "what compiles programs that run while building, if there are any",
        ),
        "commands": attr.string_list(mandatory = True, doc = "see recipes.bzl"),
        "dev": attr.output(doc = "of a library"),
        "environment": attr.string_dict(doc = "what is added to the environment"),
        "fields": attr.string_list(doc = "lines of .PKGINFO"),
        "loader": attr.string(mandatory = True, doc = "the machine in the name of musl's"),
        "package": attr.string(mandatory = True, doc = "its name"),
        "scripts": attr.string_dict(doc = "of the package, by their names"),
        "source": attr.label(mandatory = True, allow_single_file = True),
        "toolchain": attr.label(mandatory = True, providers = [MuslToolchainInfo]),
        "_build": attr.label(
            default = ":build_library",
            executable = True,
            cfg = "exec",
        ),
        "_pack": attr.label(
            default = ":pack_library",
            executable = True,
            cfg = "exec",
        ),
        "_tools": attr.label(
            default = ":library_tools",
            allow_single_file = [".tar"],
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)
