"""What is known of an image's layers before they are compressed: their tars, and the root file system."""

load("//python_images/private/roots:layer.bzl", "RootInfo")
load("//python_images/private/roots/debian:layer.bzl", "DebianLayerInfo")

LayerInfo = provider(
    doc = "A layer of an image, as layers above need it.",
    fields = {
        "debian": "DebianLayerInfo of the layer, None if it isn't Debian's",
        "root": "RootInfo of the layer, None if it isn't one of packages",
        "tar": "File: the layer, an uncompressed tar",
    },
)

ImageLayersInfo = provider(
    doc = "The layers of an image, lowest first, as layers above need them.",
    fields = {
        "debian": "DebianLayerInfo of the uppermost layer with Debian's packages; None where that " +
                  "isn't known to belong to the layers below it",
        "root": "RootInfo of the uppermost layer with packages, or None",
        "tars": "list of File: a tar for each layer, compressed where it was given so",
    },
)

def layer_info(tar, target):
    """The LayerInfo of a tar.

    Args:
      tar: the File.
      target: the target that made it.

    Returns:
      the provider.
    """
    return LayerInfo(
        debian = target[DebianLayerInfo] if DebianLayerInfo in target else None,
        root = target[RootInfo] if RootInfo in target else None,
        tar = tar,
    )

def image_layers(base, layers):
    """What is known of an image's layers.

    Args:
      base: the base image's target, or None.
      layers: list of targets, the layers on it.

    Returns:
      an ImageLayersInfo; None where the base's layers aren't known.
    """
    below = None
    if base:
        if ImageLayersInfo not in base:
            return None
        below = base[ImageLayersInfo]
    tars = list(below.tars) if below else []
    root = below.root if below else None
    debian = below.debian if below else None
    for layer in layers:
        if LayerInfo not in layer:
            tars += layer[DefaultInfo].files.to_list()
            continue
        info = layer[LayerInfo]
        tars.append(info.tar)
        root = info.root or root
        if info.debian:
            # A state tells where the tars below have the files: it is of these tars, in this order.
            debian = info.debian if info.debian.tars == tars else None
    return ImageLayersInfo(debian = debian, root = root, tars = tars)
