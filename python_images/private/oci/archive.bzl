"""image_archive: a layout as one file, which engines load and other programs read."""

def _image_archive_impl(ctx):
    archive = ctx.actions.declare_file(ctx.label.name)
    tags = ctx.actions.declare_file(ctx.label.name + ".tags.txt")
    ctx.actions.write(tags, "".join([tag + "\n" for tag in ctx.attr.repo_tags]))
    args = ctx.actions.args()
    args.add("archive")
    args.add("--output", archive)
    args.add_all("--image", [ctx.file.image], expand_directories = False)
    args.add("--format", ctx.attr.format)
    args.add("--tags", tags)
    ctx.actions.run(
        executable = ctx.executable._assemble,
        arguments = [args],
        inputs = depset([ctx.file.image, tags], transitive = [ctx.attr.image[DefaultInfo].default_runfiles.files]),
        outputs = [archive],
        mnemonic = "ImageArchive",
        progress_message = "Packing %{output}",
        # The archive holds all blobs once more. A cache that has these would keep them twice, for an
        # action that takes a second.
        execution_requirements = {"no-remote-cache": ""},
    )
    return [DefaultInfo(files = depset([archive]))]

image_archive = rule(
    implementation = _image_archive_impl,
    doc = "An image or index as an archive, a file that is called as the target is.",
    attrs = {
        "format": attr.string(
            mandatory = True,
            values = ["docker", "oci"],
            doc = "docker: what every engine loads, one image. oci: an image index, too.",
        ),
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "An image; or an index, with format oci.",
        ),
        "repo_tags": attr.string_list(doc = "repository:tag names in the archive."),
        "_assemble": attr.label(
            default = "//tools/oci/assembler:assemble",
            executable = True,
            cfg = "exec",
        ),
    },
)
