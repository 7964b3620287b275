"""copies: actions as bazel-lib declares its copies, which rules_oci's `.digest` has."""

_MNEMONICS = [
    "CopyDirectory",
    "CopyFile",
    "CopyToDirectory",
]

def _copies_impl(ctx):
    files = []
    for mnemonic in _MNEMONICS:
        file = ctx.actions.declare_file("{}.{}".format(ctx.label.name, mnemonic))
        files.append(file)
        ctx.actions.run(
            executable = ctx.executable._program,
            arguments = [file.path, "etc/hostname=" + mnemonic],
            outputs = [file],
            mnemonic = mnemonic,
            execution_requirements = {"no-sandbox": "1"},
        )
    return [DefaultInfo(files = depset(files))]

copies = rule(
    implementation = _copies_impl,
    doc = "Files of actions that refuse to be sandboxed.",
    attrs = {
        "_program": attr.label(
            default = "//python_images/tests/tiny:make_tar",
            executable = True,
            cfg = "exec",
        ),
    },
)
