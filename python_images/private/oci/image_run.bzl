"""image_run: the command of an image, or a shell in it, as a program; and images that are programs."""

load("//python_images/private/tools:program.bzl", "program")
load("//tools/cli:commands.bzl", "run_command")

RunnableImageInfo = provider(
    doc = "An image that is a program too. Its runfiles are that program's, and not its layers.",
    fields = {},
)

# What a rule needs whose targets run an image.
RUN_ATTRS = {
    "_run": attr.label(
        default = "//tools/run_image",
        executable = True,
        cfg = "exec",
    ),
}

def image_program(ctx, layout, emulator = None, shell = False, shown = None, runfiles = []):
    """A program that runs an image.

    Args:
      ctx: the context of a rule with RUN_ATTRS.
      layout: File: the image, or an index of images.
      emulator: File: the emulator of its platform, or None.
      shell: whether to open a shell instead.
      shown: Files the target's DefaultInfo has; default: the program.
      runfiles: further runfiles objects.

    Returns:
      a DefaultInfo.
    """
    return program(
        ctx,
        ctx.attr._run,
        ["--layout=" + layout.short_path, "--command=" + run_command(ctx.label)] +
        (["--emulator=" + emulator.short_path] if emulator else []) +
        (["--shell"] if shell else []),
        [layout] + ([emulator] if emulator else []),
        runfiles,
        separated = True,
        shown = shown,
    )

def _image_run_impl(ctx):
    # The real rules_oci's images are links to the layers.
    linked = [] if RunnableImageInfo in ctx.attr.image else [ctx.attr.image[DefaultInfo].default_runfiles]
    return [image_program(
        ctx,
        ctx.file.image,
        emulator = ctx.file.emulator,
        runfiles = linked,
        shell = ctx.attr.shell,
    )]

image_run = rule(
    implementation = _image_run_impl,
    doc = """Runs an image's command, or opens a shell in it: `bazel run <name> -- [OPTION]... [COMMAND]...`.

It takes no container engine and no root: the command runs in namespaces of the kernel. `-- --help` lists the
options.""",
    attrs = RUN_ATTRS | {
        "emulator": attr.label(
            allow_single_file = True,
            doc = "qemu-user for the image's platform, //toolchains/emulator:<platform>, where that isn't the machine's.",
        ),
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "The image, an OCI layout directory. Of an index, the image for this machine runs.",
        ),
        "shell": attr.bool(doc = "Open a shell instead of running the image's command."),
    },
    executable = True,
)

def _image_files_impl(ctx):
    target = ctx.attr.image
    runfiles = ctx.runfiles(files = ctx.files.image)
    if RunnableImageInfo not in target:
        runfiles = runfiles.merge(target[DefaultInfo].default_runfiles)
    return [DefaultInfo(files = depset(ctx.files.image), runfiles = runfiles)]

image_files = rule(
    implementation = _image_files_impl,
    doc = """An image's directory alone, for $(rootpath …) and $(location …).

An image is a program as well, and these name a target's program where it has one.""",
    attrs = {
        "image": attr.label(mandatory = True, allow_single_file = True, doc = "An image or index."),
    },
)
