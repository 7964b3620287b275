"""Compilers, sysroots and host tools as tar archives that run from wherever they are unpacked.

One archive per tree: a compiler has thousands of files, which as separate inputs would each cost
a symbolic link per sandbox. The action that uses an archive unpacks it (about half a second).
"""

ToolchainInfo = provider(
    doc = "What compiles for one suite and platform.",
    fields = {
        "cc": "File: tar of gcc and binutils",
        "cflags": "string: what the suite's dpkg-buildflags gives as CFLAGS, without path options",
        "frame_pointer_flags": "string: CFLAGS that keep frame pointers, for profilers",
        "gcc": "string: major version of gcc",
        "gnu": "string: GNU triplet of the target, such as i686-linux-gnu",
        "host": "File: tar of make, pkgconf and busybox for the build machine",
        "label": "string: <suite>/<platform>, for messages",
        "ldflags": "string: what dpkg-buildflags gives as LDFLAGS",
        "sysroot": "File: tar of the target's headers and libraries",
        "triplet": "string: the target's directory of libraries, such as i386-linux-gnu",
    },
)

# Only such a machine can run the tools that are assembled here.
EXEC_CONSTRAINTS = [
    "@platforms//cpu:x86_64",
    "@platforms//os:linux",
]

def _launcher_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name)
    args = ctx.actions.args()
    args.add_all(ctx.files.debs, before_each = "--deb")
    args.add("--source", ctx.file._source)
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._build,
        arguments = [args],
        inputs = ctx.files.debs + [ctx.file._source],
        outputs = [out],
        mnemonic = "BuildLauncher",
        progress_message = "Compiling the launcher of toolchain programs",
    )
    return [DefaultInfo(files = depset([out]))]

launcher = rule(
    implementation = _launcher_impl,
    doc = "The program that starts others through a toolchain's own dynamic loader.",
    attrs = {
        "debs": attr.label(mandatory = True, doc = "packages of a native gcc and binutils"),
        "_build": attr.label(
            default = "//toolchains/trees:build_launcher",
            executable = True,
            cfg = "exec",
        ),
        "_source": attr.label(
            default = "//toolchains/trees:launcher.c",
            allow_single_file = True,
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)

def _package_tree_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add_all(ctx.files.debs, before_each = "--deb")
    args.add_all(ctx.attr.keep, format_each = "--keep=%s")
    args.add_all(ctx.attr.drop, format_each = "--drop=%s")
    if ctx.file.launcher:
        args.add("--launcher", ctx.file.launcher)
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._assemble,
        arguments = [args],
        inputs = ctx.files.debs + ctx.files.launcher,
        outputs = [out],
        mnemonic = "PackageTree",
        progress_message = "Assembling toolchain part %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

package_tree = rule(
    implementation = _package_tree_impl,
    doc = "Debian packages merged into one tar, relocatable if a launcher is given.",
    attrs = {
        "debs": attr.label(mandatory = True, doc = "the packages"),
        "drop": attr.string_list(doc = "leave out paths matching any of these (fnmatch)"),
        "keep": attr.string_list(default = ["*"], doc = "take only paths matching one of these"),
        "launcher": attr.label(
            allow_single_file = True,
            doc = "launcher put before each program that needs a dynamic loader",
        ),
        "_assemble": attr.label(
            default = "//toolchains/trees:pack_debs",
            executable = True,
            cfg = "exec",
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)

def _cc_toolchain_archives_impl(ctx):
    return [
        DefaultInfo(files = depset([ctx.file.cc, ctx.file.host, ctx.file.sysroot])),
        ToolchainInfo(
            cc = ctx.file.cc,
            cflags = ctx.attr.cflags,
            frame_pointer_flags = ctx.attr.frame_pointer_flags,
            gcc = ctx.attr.gcc,
            gnu = ctx.attr.gnu,
            host = ctx.file.host,
            label = ctx.attr.description,
            ldflags = ctx.attr.ldflags,
            sysroot = ctx.file.sysroot,
            triplet = ctx.attr.triplet,
        ),
    ]

cc_toolchain_archives = rule(
    implementation = _cc_toolchain_archives_impl,
    doc = "The archives and facts that together compile for one suite and platform.",
    attrs = {
        "cc": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "cflags": attr.string(),
        "description": attr.string(mandatory = True, doc = "<suite>/<platform>"),
        "frame_pointer_flags": attr.string(),
        "gcc": attr.string(mandatory = True, doc = "major version"),
        "gnu": attr.string(mandatory = True, doc = "GNU triplet"),
        "host": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "ldflags": attr.string(),
        "sysroot": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "triplet": attr.string(mandatory = True, doc = "directory of libraries"),
    },
    provides = [ToolchainInfo],
)

def toolchain_args(args, toolchain):
    """Adds the options by which the programs of tools/cpython are told their toolchain.

    Args:
      args: Args of an action.
      toolchain: a ToolchainInfo.

    Returns:
      the files those options name, to be inputs of the action.
    """
    args.add("--cc", toolchain.cc)
    args.add("--sysroot", toolchain.sysroot)
    args.add("--host", toolchain.host)
    args.add("--triplet", toolchain.triplet)
    args.add("--gcc", toolchain.gcc)
    args.add("--gnu", toolchain.gnu)
    return [toolchain.cc, toolchain.sysroot, toolchain.host]
