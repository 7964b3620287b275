"""oci_tool: a dynamically linked program of a Debian package that runs on any x86-64 Linux."""

load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_set")

# Started through the loader beside it: the machine's own C library may be older, or another.
_LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib" --argv0 {name} "$here/{name}.bin" "$@"
"""

_LIBRARIES = "usr/lib/x86_64-linux-gnu/"

def _extract(ctx, debs, member, out):
    args = ctx.actions.args()
    args.add_all(debs, before_each = "--deb")
    args.add("--member", member)
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._extract,
        arguments = [args],
        inputs = debs,
        outputs = [out],
        mnemonic = "OciTool",
        progress_message = "Unpacking %{output}",
    )

def _oci_tool_impl(ctx):
    name = ctx.label.name
    launcher = ctx.actions.declare_file("{}/{}".format(name, name))
    ctx.actions.write(launcher, _LAUNCHER.format(name = name), is_executable = True)
    program = ctx.actions.declare_file("{}/{}.bin".format(name, name))
    _extract(ctx, ctx.files.debs, "usr/bin/" + name, program)
    files = [launcher, program]
    for library in ["ld-linux-x86-64.so.2", "libc.so.6"]:
        file = ctx.actions.declare_file("{}/lib/{}".format(name, library))
        _extract(ctx, ctx.files.libraries, _LIBRARIES + library, file)
        files.append(file)
    return [DefaultInfo(
        executable = launcher,
        files = depset([launcher]),
        runfiles = ctx.runfiles(files = files),
    )]

oci_tool = rule(
    implementation = _oci_tool_impl,
    doc = "The program that the target is named after.",
    attrs = {
        "debs": attr.label(
            default = build_set(TOOLS_SUITE, "amd64", "oci_tools"),
            allow_files = [".deb"],
        ),
        "libraries": attr.label(
            default = build_set(TOOLS_SUITE, "amd64", "hosttools"),
            allow_files = [".deb"],
        ),
        "_extract": attr.label(
            default = "//toolchains/emulator:extract",
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)
