"""joint_index: one index of images that need not be whole, such as those on Windows.

Not rules_oci's oci_image_index: that one, and its push, need every blob.
"""

load("//toolchains/python:rules.bzl", "py_binary")

def _outline_of(target):
    groups = target[OutputGroupInfo] if OutputGroupInfo in target else struct()
    return groups.oci_outline.to_list()[0] if hasattr(groups, "oci_outline") else None

def _joint_index_impl(ctx):
    def assemble(layout, images, outputs, options, mnemonic, what):
        args = ctx.actions.args()
        args.add("index")
        args.add_all("--output", [layout], expand_directories = False)
        args.add_all(images, before_each = "--image", expand_directories = False)
        args.add_all(options)
        ctx.actions.run(
            executable = ctx.executable._assemble,
            arguments = [args],
            inputs = images,
            outputs = [layout] + outputs,
            mnemonic = mnemonic,
            progress_message = what + " image index %{label}",
        )

    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".json.sha256")
    assemble(layout, ctx.files.images, [digest], ["--digest", digest.path], "OCIIndex", "Assembling")
    groups = {"digest": depset([digest])}
    outlines = [_outline_of(image) for image in ctx.attr.images]
    if None not in outlines:
        outline = ctx.actions.declare_directory(ctx.label.name + ".outline")
        assemble(outline, outlines, [], ["--outline"], "OCIOutline", "Outlining")
        groups["oci_outline"] = depset([outline])
    return [DefaultInfo(files = depset([layout])), OutputGroupInfo(**groups)]

joint_index = rule(
    implementation = _joint_index_impl,
    doc = "An index of images for several systems as an OCI layout directory; images on Windows may be among them.",
    attrs = {
        "images": attr.label_list(
            mandatory = True,
            doc = "Images, no two for the same platform and version of the system.",
        ),
        "_assemble": attr.label(
            default = "//tools/oci/assembler:assemble",
            executable = True,
            cfg = "exec",
        ),
    },
)

def image_push(name, image):
    """A program that pushes: `bazel run <name> -- --repository HOST/PATH --tag TAG`.

    Args:
      name: name of the program.
      image: an image or index of which blobs may be missing, being in the registry.
    """
    py_binary(
        name = name,
        srcs = ["//tools/oci/registry:push.py"],
        args = ["--image=$(rootpath %s)" % image],
        data = [image],
        main = "//tools/oci/registry:push.py",
        tags = ["manual"],
        deps = ["//tools/oci/registry"],
    )
