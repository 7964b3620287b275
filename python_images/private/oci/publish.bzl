"""publish: one command that pushes many images with all their tags."""

load("//toolchains/python:rules.bzl", "py_binary")

_MAIN = Label("//tools/oci/registry:publish.py")
_LIBRARY = Label("//tools/oci/registry")

def _publish_plan_impl(ctx):
    plan = ctx.actions.declare_file(ctx.label.name + ".json")
    images = []
    layouts = []
    runfiles = []
    for target, tags in ctx.attr.images.items():
        files = target[DefaultInfo].files.to_list()
        if len(files) != 1 or not files[0].is_directory:
            fail("%s is not an image: an OCI layout directory is needed" % target.label)
        groups = target[OutputGroupInfo] if OutputGroupInfo in target else struct()
        if hasattr(groups, "oci_outline"):
            # Layers are fetched when it turns out that the registry lacks them.
            files = groups.oci_outline.to_list()
        else:
            # The real rules_oci's images are links to the layers, which are their runfiles.
            runfiles.append(target[DefaultInfo].default_runfiles)
        layouts += files

        # A program is started in the folder that short_path is relative to.
        images.append({
            "layout": files[0].short_path,
            "name": target.label.name,
            "tags": [tag for tag in tags.split(" ") if tag],
        })
    ctx.actions.write(plan, json.encode_indent({"images": images}) + "\n")
    return [DefaultInfo(
        files = depset([plan]),
        runfiles = ctx.runfiles(files = layouts + [plan]).merge_all(runfiles),
    )]

_publish_plan = rule(
    implementation = _publish_plan_impl,
    doc = "What there is to publish, as JSON; its runfiles are the layouts.",
    attrs = {
        "images": attr.label_keyed_string_dict(
            mandatory = True,
            doc = "images and indexes, each with its tags, separated by spaces",
        ),
    },
)

def publish(name, images, **kwargs):
    """A program that pushes images and indexes to one repository, blobs they share once.

    `bazel run <name> -- --repository HOST[:PORT]/PATH [--only PATTERN] [--dry-run]`

    Args:
      name: name of the program.
      images: dict of `image` and `image_index` targets to lists of tags.
      **kwargs: further attributes of py_binary.
    """
    _publish_plan(
        name = name + ".plan",
        images = {image: " ".join(tags) for image, tags in images.items()},
        tags = ["manual"],
    )
    py_binary(
        name = name,
        srcs = [_MAIN],
        args = ["--plan=$(rootpath %s.plan)" % name],
        data = [name + ".plan"],
        main = _MAIN,
        deps = [_LIBRARY],
        **kwargs
    )
