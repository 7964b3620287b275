"""image_size: a program that says what an image's size is made of."""

load("//python_images/private/tools:program.bzl", "program")

def _image_size_impl(ctx):
    return [program(
        ctx,
        tool = ctx.attr._size,
        arguments = ["--image=" + ctx.file.image.short_path],
        files = [ctx.file.image],
    )]

image_size = rule(
    implementation = _image_size_impl,
    doc = "`bazel run <name>` says what an image's size is made of: layers, packages, folders.",
    attrs = {
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "The image of one platform, as an OCI layout directory.",
        ),
        "_size": attr.label(
            default = "//tools/size",
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)
