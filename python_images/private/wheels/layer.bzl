"""wheel_layer: Python packages as a layer of an image."""

def _wheel_layer_impl(ctx):
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    wheels = [file for file in ctx.files.wheels if file.extension == "whl"]
    if not wheels:
        fail("'wheels' has no file that ends in .whl")
    args = ctx.actions.args()
    args.add("--python", ctx.attr.python)
    args.add("--output", tar)
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
/usr/local/bin. Nothing of the image is run, so the wheels may be for any platform; that they are
for the image's is not checked. Dependencies are not resolved: name all wheels. Give the tar to
`layer_blob`, and that to an image.""",
    attrs = {
        "python": attr.string(
            mandatory = True,
            doc = "The image's minor version: 3.13.",
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
