"""alpine_layer: one layer of an Alpine root file system, computed from locked packages."""

load("//python_images/private/roots:arch.bzl", "alpine_arch")
load(
    "//python_images/private/roots:layer.bzl",
    "RootInfo",
    "compute_layer",
    "given_epoch",
    "layer_below",
    "layer_providers",
    "package_set",
    "root_layer_attrs",
    "set_inputs",
    "set_spec",
)

AlpineLayerInfo = provider(
    doc = "A layer of an Alpine root file system, as the layer above sees it.",
    fields = {
        "layers": "list of struct(set = struct(files = list of File, packages = File), epoch = " +
                  "int or None): package set and given epoch of this layer and of those below, " +
                  "lowest first. None when the layer's own share is chosen by need: no layer lies " +
                  "on it.",
    },
)

# What a package set's files are called in a layer's spec.
_APKS = "apks"

def _alpine_layer_impl(ctx):
    lower = layer_below(ctx, AlpineLayerInfo)
    below = lower.layers if lower else []
    own = package_set(ctx.files.apks, ctx.file.packages)
    root = compute_layer(
        ctx,
        arch = alpine_arch(ctx),
        inputs = [file for layer in below for file in set_inputs(layer.set)] + ctx.files.scripts,
        key = _APKS,
        mnemonic = "AlpineLayer",
        options = ["--table", ctx.file.scripts] if ctx.file.scripts else [],
        own = own,
        release = ctx.attr.release,
        spec = {
            "below": [set_spec(layer.set, _APKS) | {"epoch": layer.epoch} for layer in below],
            "release": ctx.attr.release,
            "repositories": ctx.attr.repositories,
        },
    )
    return layer_providers(root) + [
        AlpineLayerInfo(
            layers = None if root.by_need else below + [struct(
                epoch = given_epoch(ctx),
                set = own,
            )],
        ),
    ]

alpine_layer = rule(
    implementation = _alpine_layer_impl,
    doc = """One layer of an Alpine root file system, <name>.tar; no package script is run.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = root_layer_attrs(
        info = AlpineLayerInfo,
        packages = "@alpine//<release>/<arch>:<set>",
        rootfs = "//tools/rootfs/alpine:alpine_layer",
    ) | {
        "apks": attr.label(
            mandatory = True,
            allow_files = [".apk"],
            doc = "The package files, @alpine//<release>/<arch>:<set>.",
        ),
        "release": attr.string(mandatory = True, doc = "the release, such as alpine3.24"),
        "repositories": attr.string_list(
            mandatory = True,
            doc = "URLs for /etc/apk/repositories.",
        ),
        "scripts": attr.label(
            allow_single_file = [".toml"],
            doc = "Reviewed scripts, instead of tools/rootfs/alpine/scripts.toml.",
        ),
    },
    provides = [AlpineLayerInfo, RootInfo],
)
