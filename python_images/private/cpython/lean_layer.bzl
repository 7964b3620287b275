"""cpython_lean_layer: a CPython with what programs need to run, and nothing to develop with."""

load(":compile.bzl", "CPythonInfo")

def _cpython_lean_layer_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--stripped", ctx.file.stripped)
    args.add("--build-python", ctx.file.build_python)
    args.add("--label", ctx.attr.label)
    args.add("--epoch", ctx.attr.cpython[CPythonInfo].epoch)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._lean,
        arguments = [args],
        inputs = [ctx.file.stripped, ctx.file.build_python],
        outputs = [out],
        mnemonic = "LeanCPython",
        progress_message = "Leaving out what develops, and writing byte code, of %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

cpython_lean_layer = rule(
    implementation = _cpython_lean_layer_impl,
    doc = "The layer of a CPython that only runs programs: an uncompressed tar, with byte code.",
    attrs = {
        "build_python": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "the build_python of the same version",
        ),
        "cpython": attr.label(mandatory = True, providers = [CPythonInfo], doc = "a cpython"),
        "label": attr.string(
            mandatory = True,
            doc = "the version in tags, such as 3.14t: modules that are left out name an image by it",
        ),
        "stripped": attr.label(
            mandatory = True,
            allow_single_file = [".tar"],
            doc = "the same CPython's layer, a cpython_layer that is stripped",
        ),
        "_lean": attr.label(
            default = "//tools/cpython:lean",
            executable = True,
            cfg = "exec",
        ),
    },
)
