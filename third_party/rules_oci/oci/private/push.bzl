"""oci_push: an image to a registry."""

load("@python_images//python_images:rules_oci.bzl", "outline_of")
load(":private/launcher.bzl", "launcher")

def _oci_push_impl(ctx):
    if not ctx.file.image.is_directory:
        fail("'image' has to be an oci_image or oci_image_index")
    repository = ctx.attr.repository
    if "@" in repository or ":" in repository.rpartition("/")[2]:
        fail("'repository' must have no tag and no digest: " + repository)

    # With an outline layers are fetched when it turns out that the registry lacks them.
    image = outline_of(ctx.attr.image) or ctx.file.image
    arguments = ["--image", image]
    files = [image]
    if repository:
        arguments += ["--repository", repository]
    elif ctx.file.repository_file:
        arguments += ["--repository-file", ctx.file.repository_file]
        files.append(ctx.file.repository_file)
    if ctx.file.remote_tags:
        arguments += ["--tags-file", ctx.file.remote_tags]
        files.append(ctx.file.remote_tags)
    return [launcher(
        ctx,
        name = "push_%s.sh" % ctx.label.name,
        tool = ctx.attr._push,
        arguments = arguments,
        files = files,
        # The real rules_oci's images are links to the layers.
        runfiles = [] if image != ctx.file.image else [ctx.attr.image[DefaultInfo].default_runfiles],
    )]

oci_push = rule(
    implementation = _oci_push_impl,
    doc = "`bazel run` pushes: `-- --repository HOST[:PORT]/PATH --tag TAG` override and add.",
    attrs = {
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "An oci_image or oci_image_index.",
        ),
        "remote_tags": attr.label(
            allow_single_file = True,
            doc = "Tags to set, one per line.",
        ),
        "repository": attr.string(
            doc = "Where to push: HOST[:PORT]/PATH, without tag and digest.",
        ),
        "repository_file": attr.label(
            allow_single_file = True,
            doc = "A file with the repository instead.",
        ),
        "_launcher": attr.label(default = Label("//oci:private/launcher.sh.tpl"), allow_single_file = True),
        "_push": attr.label(
            default = Label("@python_images//tools/oci/registry:push"),
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)
