"""oci_image_index: one index of images for several platforms, as an OCI layout."""

load(":image_run.bzl", "RUN_ATTRS", "RunnableImageInfo", "image_program")
load(":outline.bzl", "outline_of")

def _platforms_transition_impl(_settings, attr):
    return [{"//command_line_option:platforms": str(platform)} for platform in attr.platforms]

_platforms_transition = transition(
    implementation = _platforms_transition_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

def _oci_image_index_impl(ctx):
    if ctx.attr.platforms and len(ctx.attr.images) != len(ctx.attr.platforms):
        fail("'platforms' is for exactly one image in 'images'")
    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".json.sha256")
    args = _arguments(ctx, layout, ctx.files.images)
    args.add("--digest", digest)
    settings = [ctx.file.annotations] if ctx.file.annotations else []
    ctx.actions.run(
        executable = ctx.executable._assemble,
        arguments = [args],
        inputs = ctx.files.images + settings,
        outputs = [layout, digest],
        mnemonic = "OCIIndex",
        progress_message = "Assembling image index %{label}",
    )
    groups = {"digest": depset([digest])}

    outlines = [outline_of(image) for image in ctx.attr.images]
    if None not in outlines:
        outline = ctx.actions.declare_directory(ctx.label.name + ".outline")
        args = _arguments(ctx, outline, outlines)
        args.add("--outline")
        ctx.actions.run(
            executable = ctx.executable._assemble,
            arguments = [args],
            inputs = outlines + settings,
            outputs = [outline],
            mnemonic = "OCIOutline",
            progress_message = "Outlining image index %{label}",
        )
        groups["oci_outline"] = depset([outline])
    return [
        image_program(ctx, layout, shown = [layout]),
        RunnableImageInfo(),
        OutputGroupInfo(**groups),
    ]

def _arguments(ctx, layout, images):
    """Returns the assembler's arguments for an index.

    Args:
      ctx: the rule's context.
      layout: the directory to write.
      images: the images' directories.
    """
    args = ctx.actions.args()
    args.add("index")
    args.add_all("--output", [layout], expand_directories = False)
    args.add_all(images, before_each = "--image", expand_directories = False)
    if ctx.file.annotations:
        args.add("--annotations", ctx.file.annotations)
    return args

oci_image_index = rule(
    implementation = _oci_image_index_impl,
    doc = """An image index as an OCI layout directory.

Images need not be whole: layers that stay in a registry, such as those of Windows, are left out.""",
    attrs = RUN_ATTRS | {
        "annotations": attr.label(
            allow_single_file = True,
            doc = "Annotations of the index, key=value lines.",
        ),
        "images": attr.label_list(
            mandatory = True,
            cfg = _platforms_transition,
            doc = "Images, no two for the same platform and version of the system.",
        ),
        "platforms": attr.label_list(
            providers = [platform_common.PlatformInfo],
            doc = "Build the one image of `images` for each of these Bazel platforms.",
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
        "_assemble": attr.label(default = "//tools/oci/assembler:assemble", executable = True, cfg = "exec"),
    },
    executable = True,
)
