"""layer_blob: a layer tar as the compressed blob an image refers to."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//python_images/private/cpython:configuration.bzl", "one_configuration")
load(":layers.bzl", "LayerInfo", "layer_info")

_FORMATS = {
    "gzip": ".tar.gz",
    "zstd": ".tar.zst",
}

def _compressed(ctx):
    """The providers of the layer in the attribute tar, compressed."""
    form = ctx.attr.compression or ctx.attr._layers[BuildSettingInfo].value
    blob = ctx.actions.declare_file(ctx.label.name + _FORMATS[form])
    descriptor = ctx.actions.declare_file(ctx.label.name + ".descriptor.json")
    args = ctx.actions.args()
    args.add("--input", ctx.file.tar)
    args.add("--output", blob)
    args.add("--descriptor", descriptor)
    args.add("--format", form)
    ctx.actions.run(
        executable = ctx.executable._compress,
        arguments = [args],
        inputs = [ctx.file.tar],
        outputs = [blob, descriptor],
        mnemonic = "LayerBlob",
        progress_message = "Compressing layer %{label}",
    )
    return [
        DefaultInfo(files = depset([blob])),
        # Our own images take digest, diff ID and newest time from here; rules_oci's oci_image reads the blob.
        OutputGroupInfo(oci_descriptor = depset([descriptor])),
        layer_info(ctx.file.tar, ctx.attr.tar),
    ]

_ATTRS = {
    "compression": attr.string(
        values = [""] + [form for form in _FORMATS],
        doc = "gzip: what every engine and registry reads. zstd: smaller, for newer ones. " +
              "Default: what --@python_images//python_images:layers says, which is gzip unless set.",
    ),
    "_compress": attr.label(
        default = "//tools/oci:compress",
        executable = True,
        cfg = "exec",
    ),
    "_layers": attr.label(default = "//python_images:layers"),
}

_BLOB_ATTRS = _ATTRS | {
    "tar": attr.label(
        mandatory = True,
        allow_single_file = [".tar"],
        doc = "The uncompressed layer.",
    ),
}

layer_blob = rule(
    implementation = _compressed,
    doc = """A layer's blob, <name>.tar.gz or <name>.tar.zst; the same bytes on every machine.

The output group `oci_descriptor` is a JSON file with `mediaType`, `digest` and `size` (bytes) of the
blob, `diffId`, the digest of the tar inside, and `newest`, the newest time of a file in it.""",
    attrs = _BLOB_ATTRS,
    provides = [LayerInfo],
)

catalog_layer_blob = rule(
    implementation = _compressed,
    # Not of layer_blob: what others give it may be built for the configuration they chose.
    cfg = one_configuration,
    doc = "A layer_blob of a layer of the catalog's images, compressed once for all configurations.",
    attrs = _BLOB_ATTRS,
    provides = [LayerInfo],
)

def _image_layer_impl(ctx):
    target = ctx.attr.tar
    if LayerInfo in target or ctx.file.tar.extension != "tar":
        return [target[provider] for provider in (DefaultInfo, OutputGroupInfo, LayerInfo) if provider in target]
    return _compressed(ctx)

image_layer = rule(
    implementation = _image_layer_impl,
    doc = "A layer as an image takes it: a layer_blob or a compressed tar as it is, else compressed.",
    attrs = _ATTRS | {
        "tar": attr.label(
            mandatory = True,
            allow_single_file = [".tar", ".tar.gz", ".tar.zst", ".tgz", ".tzst"],
            doc = "The layer.",
        ),
    },
)
