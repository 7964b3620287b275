"""provided: a rule that asks for each provider python_images has."""

load("@python_images//python_images:defs.bzl", "CPythonInfo", "DebianLayerInfo", "RootInfo", "WindowsBaseInfo")

provided = rule(
    implementation = lambda _ctx: [],
    doc = "Fails where a target lacks its provider.",
    attrs = {
        "cpython": attr.label(providers = [CPythonInfo]),
        "debian_layer": attr.label(providers = [DebianLayerInfo]),
        "root": attr.label(providers = [RootInfo]),
        "windows_base": attr.label(providers = [WindowsBaseInfo]),
    },
)
