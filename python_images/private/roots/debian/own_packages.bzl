"""Debian packages of another workspace: locking them, and the repository rule that fetches them."""

load("//python_images/private/roots:packages.bzl", "write_package_set")
load("//python_images/private/tools:program.bzl", "program")
load("//tools/cli:commands.bzl", "run_command")
load(":layer.bzl", "DebianLayerInfo")
load(":lock.bzl", "parse_lock")
load(":mirrors.bzl", "download_debs", "select_packages")
load(":packages.bzl", "DEBS")

# As tools/packages/debian/lock_own.py names it.
_SET = "own"

def own_command(text):
    """The command in a lock's first lines that writes it.

    Args:
      text: of the lock, see tools/packages/debian/lock_own.py.

    Returns:
      a string, or None: the first versions named none.
    """
    for line in text.split("\n"):
        if line.startswith("# `") and line.endswith("`"):
            return line.removeprefix("# `").removesuffix("`")
    return None

def _own_packages_impl(rctx):
    name = str(rctx.attr.lock).removeprefix("@@")
    text = rctx.read(rctx.attr.lock)
    parsed = parse_lock(text, name)
    chosen = select_packages(parsed, parsed.lines.keys(), name, _SET)
    download_debs(rctx, chosen, written_by = own_command(text))
    write_package_set(rctx, DEBS, chosen.packages)

debian_packages = repository_rule(
    implementation = _own_packages_impl,
    doc = "Debian packages that `debian_lock` locked: //:debs (the files) and //:packages.json (what they " +
          "are), for `debian_layer`.",
    attrs = {
        "lock": attr.label(mandatory = True, doc = "The lock."),
    },
)

def _debian_lock_impl(ctx):
    layers = ctx.attr.below[DebianLayerInfo].tars
    lock = "/".join([part for part in [ctx.label.package, ctx.attr.lock] if part])
    return [program(
        ctx,
        ctx.attr._lock,
        ["--command=" + run_command(ctx.label), "--suite=" + ctx.attr.suite, "--arch=" + ctx.attr.arch, "--lock=" + lock] +
        ["--layer=" + layer.short_path for layer in layers] +
        ctx.attr.packages,
        layers,
    )]

debian_lock = rule(
    implementation = _debian_lock_impl,
    doc = """Locks Debian packages on top of a layer: `bazel run` it, and again for newer packages.

It takes apt on the machine, and its mirrors. What the layer has already isn't locked; what would replace
a package of the layer is an error.""",
    attrs = {
        "arch": attr.string(mandatory = True, doc = "Debian's name of the architecture."),
        "below": attr.label(
            mandatory = True,
            providers = [DebianLayerInfo],
            doc = "The layer below them, such as @python_images//python_images/rootfs:trixie_amd64_slim.",
        ),
        "lock": attr.string(mandatory = True, doc = "The file to write, in this package."),
        "packages": attr.string_list(mandatory = True, doc = "Names of packages, not of virtual ones."),
        "suite": attr.string(mandatory = True, doc = "Debian's name of the suite."),
        "_lock": attr.label(
            default = "//tools/packages/debian:lock_own",
            executable = True,
            cfg = "target",
        ),
    },
    executable = True,
)
