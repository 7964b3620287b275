"""The source of a CPython that is patched here."""

def _patched_source_impl(ctx):
    if len(ctx.files.patches) != len(ctx.attr.names):
        fail("{}: give each patch a name".format(ctx.label))
    out = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    args = ctx.actions.args()
    args.add("--source", ctx.file.source)
    args.add("--label", ctx.attr.revised)
    for name, patch in zip(ctx.attr.names, ctx.files.patches):
        # The name comes from the catalog, which has no % in it.
        args.add(patch, format = "--patch={}=%s".format(name))
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._archive,
        arguments = [args],
        inputs = [ctx.file.source] + ctx.files.patches,
        outputs = [out],
        mnemonic = "PatchCPython",
        progress_message = "Patching the source of CPython {}".format(ctx.attr.revised),
    )
    return [DefaultInfo(files = depset([out]))]

patched_source = rule(
    implementation = _patched_source_impl,
    doc = "CPython's source with patches applied: <name>.tar.gz.",
    attrs = {
        "names": attr.string_list(doc = "What messages call each patch: its path in the catalog."),
        "patches": attr.label_list(
            allow_files = [".diff", ".patch"],
            doc = "In the order they are applied.",
        ),
        "revised": attr.string(mandatory = True, doc = "The revision, such as 3.13.15-r1."),
        "source": attr.label(
            mandatory = True,
            allow_single_file = [".tar.xz"],
            doc = "The release's own source.",
        ),
        "_archive": attr.label(
            default = "//tools/patches:archive",
            executable = True,
            cfg = "exec",
        ),
    },
)
