"""debian_layer: one layer of a Debian root file system, computed from locked packages."""

load("//python_images/private/cpython:configuration.bzl", "one_configuration")
load(
    "//python_images/private/roots:layer.bzl",
    "RootInfo",
    "layer_below",
    "layer_providers",
    "package_set",
    "root_layer_attrs",
)
load(":deb_layer.bzl", "compute_deb_layer", "deb_layer_attrs")

DebianLayerInfo = provider(
    doc = "A layer of a Debian root file system, as the layer above sees it.",
    fields = {
        "slim": "bool: whether documentation and translations are left out.",
        "state": "File: the system the layer ends in, for the layer above. None of what is no Debian.",
        "tars": "list of File: the layers below and this one, lowest first; of an image also those " +
                "above, such as CPython's.",
        "tools": "struct of the package set whose programs make byte code and databases, or None.",
    },
)

OwnPackagesInfo = provider(
    doc = "Locked Debian packages of another workspace, for one suite and architecture.",
    fields = {
        "arch": "string: Debian's name of the architecture",
        "lock": "string: the lock, for errors",
        "locked_by": "string: the command that writes it",
        "scripts": "File: reviewed scripts of that workspace, or None",
        "scripts_name": "string: what people call that file, a path below their workspace",
        "set": "struct: the package set",
        "suite": "string: Debian's name of the suite",
    },
)

def _layer(ctx, below, suite, slim, tools, **given):
    """Computes a layer; arguments are those of compute_deb_layer. Returns the rule's providers."""
    state = ctx.actions.declare_file(ctx.label.name + ".state")
    layer = compute_deb_layer(
        ctx,
        below = below,
        mnemonic = "DebianLayer",
        slim = slim,
        state = state,
        suite = suite,
        tools = tools,
        **given
    )
    return layer_providers(layer.root) + [DebianLayerInfo(
        slim = slim,
        state = state,
        tars = layer.tars,
        tools = tools,
    )]

def _debian_layer_impl(ctx):
    below = layer_below(ctx, DebianLayerInfo)
    tools = None
    if ctx.file.tools_packages:
        tools = package_set(ctx.files.tools, ctx.file.tools_packages)
    return _layer(
        ctx,
        below = below,
        own = package_set(ctx.files.debs, ctx.file.packages),
        slim = ctx.attr.slim,
        sources = ctx.attr.sources,
        suite = ctx.attr.suite,
        tools = tools,
    )

_ATTRS = deb_layer_attrs(DebianLayerInfo, rootfs = "//tools/rootfs/debian:debian_layer") | {
    "slim": attr.bool(
        default = True,
        doc = "Leave out documentation and translations, as debian:<suite>-slim does.",
    ),
    "sources": attr.string_list(
        doc = "URLs the image's apt is to ask, of the archive and of its security updates; " +
              "Debian's images have those their apt package tells.",
    ),
    "tools": attr.label(
        allow_files = [".deb"],
        doc = "Packages of the build machine whose programs make byte code and databases, " +
              "@debian//build/<suite>/amd64:rootfs_tools.",
    ),
    "tools_packages": attr.label(
        allow_single_file = [".json"],
        doc = "What those are, @debian//build/<suite>/amd64:rootfs_tools.json.",
    ),
}

debian_layer = rule(
    implementation = _debian_layer_impl,
    doc = """One layer of a Debian root file system, <name>.tar; no package script is run.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = _ATTRS,
    provides = [DebianLayerInfo, RootInfo],
)

catalog_debian_layer = rule(
    implementation = _debian_layer_impl,
    # Not of debian_layer: what others give it may be built for the configuration they chose.
    cfg = one_configuration,
    doc = "A debian_layer of locked packages alone, computed once for all configurations.",
    attrs = _ATTRS,
    provides = [DebianLayerInfo, RootInfo],
)

def _own_packages_layer_impl(ctx):
    own = ctx.attr.packages[OwnPackagesInfo]
    below = layer_below(ctx, DebianLayerInfo)
    release = ctx.attr.below[RootInfo].release
    if not below.state:
        fail("{}: packages = \"{}\": the image is no Debian whose packages are known; take a tag on Debian as base".format(
            ctx.label,
            ctx.attr.packages.label,
        ))
    if own.suite != release or own.arch != ctx.attr.arch:
        fail("{}: packages = \"{}\" belong to {} for {} ({}), but the base is {} for {}; declare debian.packages with suite = \"{}\"".format(
            ctx.label,
            ctx.attr.packages.label,
            own.suite,
            own.arch,
            own.lock,
            release,
            ctx.attr.arch,
            release,
        ))
    table = own.scripts
    return _layer(
        ctx,
        below = below,
        own = own.set,
        scripts = struct(
            files = [table] if table else [],
            name = own.scripts_name if table else "",
            path = table.path if table else "",
        ),
        slim = below.slim,
        suite = own.suite,
        tools = below.tools,
    )

_OWN_ATTRS = root_layer_attrs(
    info = DebianLayerInfo,
    packages = "",
    rootfs = "//tools/rootfs/debian:debian_layer",
)

own_packages_layer = rule(
    implementation = _own_packages_layer_impl,
    doc = "A layer of packages that debian.packages declares, on top of a complete image.",
    attrs = _OWN_ATTRS | {
        "below": attr.label(mandatory = True, providers = [DebianLayerInfo, RootInfo]),
        "packages": attr.label(mandatory = True, providers = [OwnPackagesInfo]),
    },
    provides = [DebianLayerInfo, RootInfo],
)
