"""windows_python_layer: python.org's Python for Windows as a layer."""

def _windows_python_layer_impl(ctx):
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--archive", ctx.file.archive)
    args.add("--version", ctx.attr.version)
    args.add("--epoch", ctx.attr.epoch)
    args.add_all(ctx.attr.leave_out, before_each = "--leave-out")
    args.add("--output", tar)
    ctx.actions.run(
        executable = ctx.executable._layer,
        arguments = [args],
        inputs = [ctx.file.archive],
        outputs = [tar],
        mnemonic = "WindowsPythonLayer",
        progress_message = "Laying out Python for Windows %{label}",
    )
    return [DefaultInfo(files = depset([tar]))]

windows_python_layer = rule(
    implementation = _windows_python_layer_impl,
    doc = "Python in C:\\Python, as a tar in the form of Windows layers.",
    attrs = {
        "archive": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "python.org's zip archive of the release.",
        ),
        "epoch": attr.int(mandatory = True, doc = "Seconds since 1970: all times in the layer."),
        "leave_out": attr.string_list(doc = "Files and folders of the archive that aren't wanted."),
        "version": attr.string(mandatory = True, doc = "The release, such as 3.14.7."),
        "_layer": attr.label(default = "//tools/windows:layer", executable = True, cfg = "exec"),
    },
)
