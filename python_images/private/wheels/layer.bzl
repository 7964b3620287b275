"""wheel_layer: Python packages as a layer of an image."""

load(":wheel_set.bzl", "WheelSetInfo")

def _image(ctx):
    """What the wheels are installed for: struct(python, platform, libc); fails where that isn't one thing."""
    sets = [target[WheelSetInfo] for target in ctx.attr.wheels if WheelSetInfo in target]
    if ctx.attr.like:
        sets.append(ctx.attr.like[WheelSetInfo])
    python = ctx.attr.python or (sets[0].python if sets else "")
    if not python:
        fail("{}: python = \"\": the image's minor version is wanted, such as 3.13".format(ctx.label))
    for other in sets:
        if other.python != python:
            fail(("{}: the image has Python {}, and the wheels of {} are for {}: " +
                  "name the same base in wheels.lock of MODULE.bazel").format(
                ctx.label,
                python,
                other.lock,
                other.python,
            ))
        if (other.platform, other.libc) != (sets[0].platform, sets[0].libc):
            fail("{}: wheels for {} with {} and for {} with {}: make a layer of each".format(
                ctx.label,
                sets[0].platform,
                sets[0].libc,
                other.platform,
                other.libc,
            ))
    return struct(
        libc = sets[0].libc if sets else "",
        platform = sets[0].platform if sets else "",
        python = python,
    )

def _wheel_layer_impl(ctx):
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    wheels = [file for file in ctx.files.wheels if file.extension == "whl"]
    if not wheels and not [target for target in ctx.attr.wheels if WheelSetInfo in target]:
        fail("'wheels' has no file that ends in .whl")
    image = _image(ctx)
    args = ctx.actions.args()
    args.add("--python", image.python)
    args.add("--output", tar)
    if image.platform:
        args.add("--platform", image.platform)
        args.add("--libc", image.libc)
    args.add_all(wheels)
    ctx.actions.run(
        executable = ctx.executable._layer,
        arguments = [args],
        inputs = wheels,
        outputs = [tar],
        mnemonic = "WheelLayer",
        progress_message = "Installing wheels into %{label}",
    )
    return [DefaultInfo(files = depset([tar]))]

wheel_layer = rule(
    implementation = _wheel_layer_impl,
    doc = """Installs wheels into a layer, <name>.tar: what pip would do inside the image.

Files go to /usr/local/lib/python<minor>/site-packages, scripts and console entry points to
/usr/local/bin. Nothing of the image is run, so the wheels may be for any platform. Where one of them is
`wheels.lock`'s, or `like` is, a wheel that isn't for the same image is an error. Dependencies are not
resolved: name all wheels. Give the tar to `layer_blob`, and that to an image.""",
    attrs = {
        "like": attr.label(
            providers = [WheelSetInfo],
            doc = "Wheels of `wheels.lock` for the image: these have to be for the same.",
        ),
        "python": attr.string(
            doc = "The image's minor version: 3.13. Default: that of the wheels of `wheels.lock`.",
        ),
        "wheels": attr.label_list(
            mandatory = True,
            allow_files = True,
            doc = "The wheels, such as py_wheel makes; files that don't end in .whl are left out.",
        ),
        "_layer": attr.label(
            default = "//tools/wheels:layer",
            executable = True,
            cfg = "exec",
        ),
    },
)
