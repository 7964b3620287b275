"""wheel_set: the wheels that an image takes of a lock, and what they were chosen for."""

WheelSetInfo = provider(
    doc = "What the wheels of a lock were chosen for.",
    fields = {
        "libc": "The image's C library: glibc 2.41.",
        "lock": "The lock, for messages.",
        "platform": "The platform, as catalog/platforms.yaml names it.",
        "python": "The minor version: 3.13, 3.14t.",
    },
)

def _wheel_set_impl(ctx):
    return [
        DefaultInfo(files = depset(ctx.files.wheels)),
        WheelSetInfo(
            libc = ctx.attr.libc,
            lock = ctx.attr.lock,
            platform = ctx.attr.platform,
            python = ctx.attr.python,
        ),
    ]

wheel_set = rule(
    implementation = _wheel_set_impl,
    doc = "Wheels chosen for an image. The repositories of `wheels.lock` have one each.",
    attrs = {
        "libc": attr.string(mandatory = True, doc = "The image's C library."),
        "lock": attr.string(mandatory = True, doc = "The lock, for messages."),
        "platform": attr.string(mandatory = True, doc = "The platform."),
        "python": attr.string(mandatory = True, doc = "The minor version."),
        "wheels": attr.label_list(allow_files = [".whl"], doc = "The files."),
    },
    provides = [WheelSetInfo],
)
