"""What compiles for musl: the archives of //toolchains/cc's kind, and the sysroot out of .apk files."""

MuslToolchainInfo = provider(
    doc = "What compiles for one release and platform of Alpine's.",
    fields = {
        "cc": "File: tar of clang, lld and LLVM's binutils, the same for all platforms",
        "cflags": "string: EXTRA_CFLAGS for make",
        "clang": "string: major version of clang",
        "flags": "list of strings: what clang takes besides the target's name",
        "frame_pointer_flags": "string: CFLAGS that keep frame pointers, for profilers",
        "gnu": "string: GNU triplet of the target, such as aarch64-linux-musl",
        "host": "File: tar of make, pkgconf and busybox for the build machine",
        "label": "string: <release>/<platform>, for messages",
        "ldflags": "string: LDFLAGS for make",
        "libgcc": "File: tar of crtbegin.o, libgcc.a ... for the target",
        "sysroot": "File: tar of the target's headers and libraries",
        "target": "string: clang's name of the target",
        "triplet": "string: CPython's name of the platform",
    },
)

def _musl_toolchain_impl(ctx):
    files = [ctx.file.cc, ctx.file.host, ctx.file.libgcc, ctx.file.sysroot]
    return [
        DefaultInfo(files = depset(files)),
        MuslToolchainInfo(
            cc = ctx.file.cc,
            cflags = ctx.attr.cflags,
            clang = ctx.attr.clang,
            flags = ctx.attr.flags,
            frame_pointer_flags = ctx.attr.frame_pointer_flags,
            gnu = ctx.attr.gnu,
            host = ctx.file.host,
            label = ctx.attr.description,
            ldflags = ctx.attr.ldflags,
            libgcc = ctx.file.libgcc,
            sysroot = ctx.file.sysroot,
            target = ctx.attr.target,
            triplet = ctx.attr.triplet,
        ),
    ]

musl_toolchain = rule(
    implementation = _musl_toolchain_impl,
    doc = "The archives and facts that together compile for one release and platform.",
    attrs = {
        "cc": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "cflags": attr.string(),
        "clang": attr.string(mandatory = True, doc = "major version"),
        "description": attr.string(mandatory = True, doc = "<release>/<platform>"),
        "flags": attr.string_list(),
        "frame_pointer_flags": attr.string(),
        "gnu": attr.string(mandatory = True, doc = "GNU triplet"),
        "host": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "ldflags": attr.string(),
        "libgcc": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "sysroot": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "target": attr.string(mandatory = True, doc = "clang's name"),
        "triplet": attr.string(mandatory = True, doc = "CPython's name"),
    },
    provides = [MuslToolchainInfo],
)

def musl_toolchain_args(args, toolchain):
    """Adds the options by which the programs for musl are told their toolchain.

    Args:
      args: Args of an action.
      toolchain: a MuslToolchainInfo.

    Returns:
      the files those options name, to be inputs of the action.
    """
    args.add("--cc", toolchain.cc)
    args.add("--sysroot", toolchain.sysroot)
    args.add("--host", toolchain.host)
    args.add("--libgcc", toolchain.libgcc)
    args.add("--triplet", toolchain.triplet)
    args.add("--gcc", toolchain.clang)
    args.add("--gnu", toolchain.gnu)
    args.add("--target", toolchain.target)
    args.add_all(toolchain.flags, format_each = "--target-flag=%s")
    return [toolchain.cc, toolchain.sysroot, toolchain.host, toolchain.libgcc]

def _hard_float_libgcc_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add(ctx.file.soft)
    args.add(out)
    ctx.actions.run(
        executable = ctx.executable._convert,
        arguments = [args],
        inputs = [ctx.file.soft],
        outputs = [out],
        mnemonic = "HardFloatLibgcc",
        progress_message = "Assembling toolchain part %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

hard_float_libgcc = rule(
    implementation = _hard_float_libgcc_impl,
    doc = "gcc's objects for soft-float ARM, as hard-float code can be linked with them: soft_float.py.",
    attrs = {
        "soft": attr.label(mandatory = True, allow_single_file = [".tar"], doc = "tar of the objects"),
        "_convert": attr.label(
            default = ":soft_float",
            executable = True,
            cfg = "exec",
        ),
    },
)

def _apk_tree_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add_all(ctx.files.apks, before_each = "--apk")
    args.add_all(ctx.attr.keep, format_each = "--keep=%s")
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._unpack,
        arguments = [args],
        inputs = ctx.files.apks,
        outputs = [out],
        mnemonic = "ApkTree",
        progress_message = "Assembling toolchain part %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

apk_tree = rule(
    implementation = _apk_tree_impl,
    doc = "Alpine packages merged into one tar, links made relative: a sysroot.",
    attrs = {
        "apks": attr.label(mandatory = True, allow_files = [".apk"], doc = "the packages"),
        "keep": attr.string_list(
            default = ["lib/*", "usr/include/*", "usr/lib/*", "usr/share/pkgconfig/*"],
            doc = "take only paths matching one of these (fnmatch)",
        ),
        "_unpack": attr.label(
            default = "//toolchains/trees:pack_apks",
            executable = True,
            cfg = "exec",
        ),
    },
)
