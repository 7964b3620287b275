"""image_root: an image as the root file system that further layers are computed for."""

load("//python_images/private/oci:layers.bzl", "ImageLayersInfo")
load("//python_images/private/roots:layer.bzl", "RootInfo")
load("//python_images/private/roots/debian:layer.bzl", "DebianLayerInfo")

def _image_root_impl(ctx):
    if ImageLayersInfo not in ctx.attr.image:
        fail("{}: the layers of {} aren't known; give an image that python_image, image or a family of images makes".format(
            ctx.label,
            ctx.attr.image.label,
        ))
    layers = ctx.attr.image[ImageLayersInfo]
    root = layers.root
    return [
        DefaultInfo(files = depset(layers.tars[-1:])),
        DebianLayerInfo(
            slim = layers.debian.slim if layers.debian else False,
            state = layers.debian.state if layers.debian else None,
            tars = layers.tars,
            tools = layers.debian.tools if layers.debian else None,
        ),
        RootInfo(
            by_need = False,
            installed = root.installed if root else None,
            listing = None,
            packages = root.packages if root else [],
            release = root.release if root else "",
            tar = layers.tars[-1],
        ),
    ]

image_root = rule(
    implementation = _image_root_impl,
    doc = "What settings_layer and debian_layer take as `below` on top of a complete image.",
    attrs = {
        "image": attr.label(mandatory = True, doc = "The image of one platform."),
    },
    provides = [DebianLayerInfo, RootInfo],
)
