"""debian_layer: one layer of a Debian root file system, computed from locked packages."""

load(
    "//python_images/private/roots:layer.bzl",
    "RootInfo",
    "compute_layer",
    "layer_below",
    "layer_providers",
    "package_set",
    "root_layer_attrs",
    "set_inputs",
    "set_spec",
)

DebianLayerInfo = provider(
    doc = "A layer of a Debian root file system, as the layer above sees it.",
    fields = {
        "state": "File: the system the layer ends in, for the layer above. None when the layer's own " +
                 "share is chosen by need: no layer lies on it.",
        "tars": "list of File: the layers below and this one, lowest first.",
    },
)

# What a package set's files are called in a layer's spec.
_DEBS = "debs"

def _debian_layer_impl(ctx):
    below = layer_below(ctx, DebianLayerInfo)
    tools = None
    if ctx.file.tools_packages:
        tools = package_set(ctx.files.tools, ctx.file.tools_packages)
    state = []
    if not ctx.file.needed_by:
        state = [ctx.actions.declare_file(ctx.label.name + ".state")]
    root = compute_layer(
        ctx,
        inputs = ([below.state] + below.tars if below else []) + (set_inputs(tools) if tools else []),
        key = _DEBS,
        mnemonic = "DebianLayer",
        options = ["--state"] + state if state else [],
        outputs = state,
        own = package_set(ctx.files.debs, ctx.file.packages),
        release = ctx.attr.suite,
        spec = {
            "below": {
                "state": below.state.path,
                "tars": [layer.path for layer in below.tars],
            } if below else None,
            "slim": ctx.attr.slim,
            "sources": ctx.attr.sources or None,
            "suite": ctx.attr.suite,
            "tools": set_spec(tools, _DEBS) if tools else None,
        },
    )
    return layer_providers(root) + [DebianLayerInfo(
        state = state[0] if state else None,
        tars = (below.tars if below else []) + [root.tar],
    )]

debian_layer = rule(
    implementation = _debian_layer_impl,
    doc = """One layer of a Debian root file system, <name>.tar; no package script is run.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = root_layer_attrs(
        info = DebianLayerInfo,
        packages = "@debian//<suite>/<arch>:<set>",
        rootfs = "//tools/rootfs/debian:main",
    ) | {
        "debs": attr.label(
            mandatory = True,
            allow_files = [".deb"],
            doc = "The package files, @debian//<suite>/<arch>:<set>.",
        ),
        "slim": attr.bool(
            default = True,
            doc = "Leave out documentation and translations, as debian:<suite>-slim does.",
        ),
        "sources": attr.string_list(
            doc = "URLs the image's apt is to ask, of the archive and of its security updates; " +
                  "Debian's images have those their apt package tells.",
        ),
        "suite": attr.string(mandatory = True, doc = "Debian's name of the suite"),
        "tools": attr.label(
            allow_files = [".deb"],
            doc = "Packages of the build machine whose programs make byte code and databases, " +
                  "@debian//build/<suite>/amd64:rootfs_tools.",
        ),
        "tools_packages": attr.label(
            allow_single_file = [".json"],
            doc = "What those are, @debian//build/<suite>/amd64:rootfs_tools.json.",
        ),
    },
    provides = [DebianLayerInfo, RootInfo],
)
