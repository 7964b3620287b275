"""wheel: a pure Python wheel. rules_python's py_wheel does more, but not all packagings have it."""

def _wheel_impl(ctx):
    prefix = ctx.label.package + "/" if ctx.label.package else ""
    prefix += ctx.attr.strip_prefix + "/" if ctx.attr.strip_prefix else ""
    stem = ctx.attr.distribution.replace("-", "_").replace(".", "_")
    out = ctx.actions.declare_file("{}-{}-py3-none-any.whl".format(stem, ctx.attr.version))
    args = ctx.actions.args()
    args.add("--output", out)
    args.add("--distribution", ctx.attr.distribution)
    args.add("--version", ctx.attr.version)
    for requirement in ctx.attr.requires:
        args.add("--requires", requirement)
    for name, reference in ctx.attr.scripts.items():
        args.add("--script", "{} = {}".format(name, reference))
    for file in ctx.files.srcs:
        # Without the repository's folder: a dependency's wheel is the same.
        path = file.short_path
        if path.startswith("../"):
            path = path.split("/", 2)[2]
        if not path.startswith(prefix):
            fail("{} is not below {}, which is to be stripped".format(path, prefix))
        args.add("--file").add(path[len(prefix):]).add(file)
    ctx.actions.run(
        executable = ctx.executable._make,
        arguments = [args],
        inputs = ctx.files.srcs,
        outputs = [out],
        mnemonic = "Wheel",
        progress_message = "Making wheel %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

wheel = rule(
    implementation = _wheel_impl,
    doc = "A pure Python wheel of source files, the same bytes on every machine; for `wheel_layer`.",
    attrs = {
        "distribution": attr.string(mandatory = True, doc = "The distribution's name."),
        "requires": attr.string_list(doc = "Requirements, such as click>=8."),
        "scripts": attr.string_dict(doc = "Programs: name to module:function."),
        "srcs": attr.label_list(
            mandatory = True,
            allow_files = True,
            doc = "Its files; in the wheel they have their path below this package.",
        ),
        "strip_prefix": attr.string(doc = "Folder of this package that paths begin below, like src."),
        "version": attr.string(mandatory = True, doc = "Its version."),
        "_make": attr.label(
            default = "//tools/wheels:make",
            executable = True,
            cfg = "exec",
        ),
    },
)
