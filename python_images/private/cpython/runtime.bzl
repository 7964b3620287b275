"""cpython_runtime: the CPython of an image, for programs and tests of the build machine."""

def _cpython_runtime_impl(ctx):
    root = ctx.actions.declare_directory(ctx.label.name + ".root")
    args = ctx.actions.args()
    args.add("--image", ctx.file.image)
    args.add("--launcher", ctx.file._launcher)
    args.add("--output", root.path)
    ctx.actions.run(
        executable = ctx.executable._unpack,
        arguments = [args],
        inputs = [ctx.file.image, ctx.file._launcher],
        outputs = [root],
        mnemonic = "CPythonRuntime",
        progress_message = "Unpacking the CPython of %{label}",
    )
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.expand_template(
        template = ctx.file._script,
        output = script,
        is_executable = True,
        substitutions = {"%root%": root.basename},
    )
    return [DefaultInfo(
        executable = script,
        files = depset([script]),
        runfiles = ctx.runfiles(files = [script, root]),
    )]

cpython_runtime = rule(
    implementation = _cpython_runtime_impl,
    doc = """The CPython of an image as a program: `interpreter` of a py_runtime.

So programs and tests run on the same interpreter, standard library and shared libraries that ship,
without a container. The image is one of Debian or Ubuntu for amd64.""",
    attrs = {
        "image": attr.label(
            mandatory = True,
            allow_single_file = [".tar"],
            doc = "The archive of an image, such as @python_images//images:3.14-slim_amd64.tar.",
        ),
        "_launcher": attr.label(
            default = "//tools/runtime:launcher.sh",
            allow_single_file = True,
        ),
        "_script": attr.label(
            default = "//tools/runtime:runtime.sh.tpl",
            allow_single_file = True,
        ),
        "_unpack": attr.label(
            default = "//tools/runtime:unpack_runtime",
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)
