"""distroless_layer: one layer of a root without programs, computed from Debian's locked packages."""

load(
    "//python_images/private/roots:layer.bzl",
    "RootInfo",
    "compute_layer",
    "layer_below",
    "layer_providers",
    "package_set",
    "root_layer_attrs",
)

DistrolessLayerInfo = provider(
    doc = "A layer of a distroless root file system, as the layer above sees it.",
    fields = {
        "state": "File: the system the layer ends in, for the layer above. None when the layer's own " +
                 "share is chosen by need: no layer lies on it.",
        "tars": "list of File: the layers below and this one, lowest first.",
    },
)

def _distroless_layer_impl(ctx):
    below = layer_below(ctx, DistrolessLayerInfo)
    state = []
    if not ctx.file.needed_by:
        state = [ctx.actions.declare_file(ctx.label.name + ".state")]
    root = compute_layer(
        ctx,
        inputs = [below.state] + below.tars if below else [],
        key = "debs",
        mnemonic = "DistrolessLayer",
        options = ["--state"] + state if state else [],
        outputs = state,
        own = package_set(ctx.files.debs, ctx.file.packages),
        release = ctx.attr.suite,
        spec = {
            "below": {
                "state": below.state.path,
                "tars": [layer.path for layer in below.tars],
            } if below else None,
            # What the root leaves out is for its program to know.
            "slim": False,
            "scripts": None,
            "sources": None,
            "suite": ctx.attr.suite,
            "tools": None,
        },
    )
    return layer_providers(root) + [DistrolessLayerInfo(
        state = state[0] if state else None,
        tars = (below.tars if below else []) + [root.tar],
    )]

distroless_layer = rule(
    implementation = _distroless_layer_impl,
    doc = """One layer of a distroless root file system, <name>.tar: libraries and data, no program.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = root_layer_attrs(
        info = DistrolessLayerInfo,
        packages = "@debian//<suite>/<arch>:<set>",
        rootfs = "//tools/rootfs/distroless:main",
    ) | {
        "debs": attr.label(
            mandatory = True,
            allow_files = [".deb"],
            doc = "The package files, @debian//<suite>/<arch>:<set>; without what they depend on.",
        ),
        "suite": attr.string(mandatory = True, doc = "Debian's name of the suite"),
    },
    provides = [DistrolessLayerInfo, RootInfo],
)
