"""distroless_layer: one layer of a root without programs, computed from Debian's locked packages."""

load("//python_images/private/cpython:configuration.bzl", "one_configuration")
load(
    "//python_images/private/roots:layer.bzl",
    "RootInfo",
    "layer_below",
    "layer_providers",
    "package_set",
)
load(
    "//python_images/private/roots/debian:deb_layer.bzl",
    "compute_deb_layer",
    "deb_layer_attrs",
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
    state = None
    if not ctx.file.needed_by:
        state = ctx.actions.declare_file(ctx.label.name + ".state")

    # What the root leaves out is for its program to know, hence nothing about `slim`.
    layer = compute_deb_layer(
        ctx,
        below = layer_below(ctx, DistrolessLayerInfo),
        mnemonic = "DistrolessLayer",
        own = package_set(ctx.files.debs, ctx.file.packages),
        state = state,
        suite = ctx.attr.suite,
    )
    return layer_providers(layer.root) + [DistrolessLayerInfo(state = state, tars = layer.tars)]

distroless_layer = rule(
    implementation = _distroless_layer_impl,
    cfg = one_configuration,
    doc = """One layer of a distroless root file system, <name>.tar: libraries and data, no program.
Of its packages without what they depend on.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = deb_layer_attrs(DistrolessLayerInfo, rootfs = "//tools/rootfs/distroless:distroless_layer"),
    provides = [DistrolessLayerInfo, RootInfo],
)
