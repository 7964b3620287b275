"""Parts of a python_image: a layer that takes something away, and a check of what the user can read."""

load("//python_images/private/oci:layers.bzl", "LayerInfo")
load("//python_images/private/roots/debian:layer.bzl", "DebianLayerInfo")

def _layer_without_impl(ctx):
    below = ctx.attr.below[DebianLayerInfo].tars
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--layer", tar)
    args.add("--what", ctx.attr.what)
    args.add_all(below, before_each = "--below")
    ctx.actions.run(
        executable = ctx.executable._without,
        arguments = [args],
        inputs = below,
        outputs = [tar],
        mnemonic = "LayerWithout",
        progress_message = "Taking {} away in %{{label}}".format(ctx.attr.what),
    )
    return [DefaultInfo(files = depset([tar]))]

layer_without = rule(
    implementation = _layer_without_impl,
    doc = "A layer, <name>.tar, that takes something away from the layers below.",
    attrs = {
        "below": attr.label(mandatory = True, providers = [DebianLayerInfo]),
        "what": attr.string(mandatory = True, values = ["pip"]),
        "_without": attr.label(
            default = "//tools/rootfs/settings:without",
            executable = True,
            cfg = "exec",
        ),
    },
)

def _user_check_impl(ctx):
    below = ctx.attr.below[DebianLayerInfo].tars
    settings = [ctx.attr.settings[LayerInfo].tar] if ctx.attr.settings else []
    own = [
        layer[LayerInfo].tar if LayerInfo in layer else layer[DefaultInfo].files.to_list()[0]
        for layer in ctx.attr.layers
    ]
    ok = ctx.actions.declare_file(ctx.label.name + ".txt")
    args = ctx.actions.args()
    args.add(ctx.attr.user, format = "--user=%s")
    args.add("--ok", ok)
    args.add_all(below + settings + own, before_each = "--layer")
    args.add_all(own, before_each = "--own")
    args.add_all(ctx.attr.paths, format_each = "--path=%s")
    ctx.actions.run(
        executable = ctx.executable._access,
        arguments = [args],
        inputs = below + settings + own,
        outputs = [ok],
        mnemonic = "ImageUser",
        progress_message = "Checking what the user of %{label} can read",
    )
    return [DefaultInfo(files = depset([ok]))]

user_check = rule(
    implementation = _user_check_impl,
    doc = "Fails if the user of an image isn't there, or can't read what is added.",
    attrs = {
        "below": attr.label(mandatory = True, providers = [DebianLayerInfo]),
        "layers": attr.label_list(doc = "layers whose files the user has to read, as image_layer makes them"),
        "paths": attr.string_list(doc = "paths of the settings that the user has to read"),
        "settings": attr.label(providers = [LayerInfo], doc = "the layer of settings"),
        "user": attr.string(mandatory = True, doc = "as the image has it"),
        "_access": attr.label(
            default = "//tools/rootfs/settings:access",
            executable = True,
            cfg = "exec",
        ),
    },
)
