"""annotations_file: an image's annotations, with the digest of the image it is based on."""

load(":publisher.bzl", "PUBLISHER_ATTRS", "published")

def _annotations_file_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".txt")
    args = ctx.actions.args()
    for key, value in published(ctx, ctx.attr.base).items():
        args.add("--pair", "{}={}".format(key, value))
    if ctx.file.base_digest:
        args.add("--base-digest", ctx.file.base_digest)
    args.add("--output", output)
    ctx.actions.run(
        executable = ctx.executable._annotations,
        arguments = [args],
        inputs = ctx.files.base_digest,
        outputs = [output],
        mnemonic = "ImageAnnotations",
        progress_message = "Writing annotations %{label}",
    )
    return [DefaultInfo(files = depset([output]))]

annotations_file = rule(
    implementation = _annotations_file_impl,
    doc = """key=value lines, for an image's `annotations`; see image.bzl.

What the publisher says is added: //python_images:source, :revision, :licenses, :vendor and :bases.""",
    attrs = {
        "annotations": attr.string_dict(doc = "what is known beforehand"),
        "base": attr.string(doc = "the base image's name below //python_images:bases, such as debian:trixie-slim"),
        "base_digest": attr.label(
            allow_single_file = True,
            doc = "file with the digest of the base image",
        ),
        "_annotations": attr.label(
            default = "//tools/oci:annotations",
            executable = True,
            cfg = "exec",
        ),
    } | PUBLISHER_ATTRS,
)
