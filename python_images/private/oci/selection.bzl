"""choosing_program: a program that builds those images its command line chooses, and no others.

The images are no dependencies of it: it has their labels, and calls Bazel for what is chosen.
"""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//python_images/private/tools:program.bzl", "program")
load(":publisher.bzl", "PUBLISHER_ATTRS")

_SETTINGS = ["_builder", "_optimization"] + list(PUBLISHER_ATTRS)

def _choosing_program_impl(ctx):
    listed = ctx.actions.declare_file(ctx.label.name + ".selection.json")
    ctx.actions.write(listed, json.encode_indent({
        "images": [
            {
                "label": label,
                "name": label.rpartition(":")[2].removesuffix(".sign"),
                "tags": [tag for tag in tags.split(" ") if tag],
            }
            for label, tags in ctx.attr.images.items()
        ],
        # What is built then is built with the settings that this was built with.
        "settings": {
            str(setting.label): setting[BuildSettingInfo].value
            for setting in [getattr(ctx.attr, name) for name in _SETTINGS]
            if setting[BuildSettingInfo].value
        },
    }) + "\n")
    arguments = ["--selection=" + listed.short_path]
    runfiles = []
    if ctx.attr.cosign:
        arguments.append("--cosign=" + ctx.executable.cosign.short_path)
        runfiles.append(ctx.attr.cosign[DefaultInfo].default_runfiles)
    return [program(
        ctx,
        tool = ctx.attr.tool,
        arguments = arguments,
        files = [listed],
        runfiles = runfiles,
    )]

_choosing_program = rule(
    implementation = _choosing_program_impl,
    doc = "A program that is given a list of images, as tools/oci/publishing/selection.py reads it.",
    attrs = {
        "cosign": attr.label(executable = True, cfg = "exec", doc = "The program that signs."),
        "images": attr.string_dict(
            mandatory = True,
            doc = "The label of each image, or of what signs it, and its tags, separated by spaces.",
        ),
        "tool": attr.label(mandatory = True, executable = True, cfg = "exec"),
        "_builder": attr.label(default = "//python_images:builder"),
        "_optimization": attr.label(default = "//python_images:optimization"),
    } | PUBLISHER_ATTRS,
    executable = True,
)

def choosing_program(name, images, tool, **kwargs):
    """A program that builds what its command line chooses.

    Args:
      name: name of the program.
      images: dict of labels, as the calling package has them, to lists of tags: images, or the targets
        that sign them.
      tool: label of what reads the list, as tools/oci/publishing/selection.py does.
      **kwargs: further attributes of the rule.
    """
    _choosing_program(
        name = name,
        images = {
            str(native.package_relative_label(image)): " ".join(tags)
            for image, tags in images.items()
        },
        tool = tool,
        **kwargs
    )
