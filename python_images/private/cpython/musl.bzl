"""cpython_musl: CPython compiled for a release and platform of Alpine's."""

load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS")
load("//toolchains/musl:rules.bzl", "MuslToolchainInfo", "musl_toolchain_args")
load(":cpython.bzl", "CPythonInfo")

_JOBS = 2

def _compile_resources(_os, _inputs):
    # The scheduler then doesn't start two compilations on two cores.
    return {"cpu": _JOBS, "memory": 1500}

def _cpython_musl_impl(ctx):
    toolchain = ctx.attr.toolchain[MuslToolchainInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    report = ctx.actions.declare_file(ctx.label.name + ".json")
    gdb = ctx.actions.declare_file(ctx.label.name + "-gdb.py")
    version = ctx.attr.version + ("t" if ctx.attr.free_threaded else "")
    label = "{} for {}".format(version, toolchain.label)
    cflags = toolchain.cflags
    if ctx.attr.frame_pointers and toolchain.frame_pointer_flags:
        cflags += " " + toolchain.frame_pointer_flags
    args = ctx.actions.args()
    args.add("--version", ctx.attr.version)
    args.add("--label", label)
    args.add("--source", ctx.file.source)
    args.add("--build-python", ctx.file.build_python)
    args.add("--config-site", ctx.file._config_site)
    inputs = musl_toolchain_args(args, toolchain)
    args.add(cflags, format = "--cflags=%s")
    args.add(toolchain.ldflags, format = "--ldflags=%s")
    args.add("--optimization", "none")
    if ctx.attr.free_threaded:
        args.add("--free-threaded")
    args.add_all(ctx.files.wheels, before_each = "--wheel")
    args.add_all(ctx.attr.expected_missing, before_each = "--expected-missing")
    args.add("--epoch", ctx.attr.epoch)
    args.add("--jobs", _JOBS)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    args.add("--report", report)
    args.add("--gdb", gdb)
    ctx.actions.run(
        executable = ctx.executable._compile_setup_py if ctx.attr.setup_py else ctx.executable._compile,
        arguments = [args],
        inputs = inputs + [
            ctx.file.source,
            ctx.file.build_python,
            ctx.file._config_site,
        ] + ctx.files.wheels,
        outputs = [out, report, gdb],
        mnemonic = "CompileCPython",
        progress_message = "Compiling CPython " + label,
        resource_set = _compile_resources,
    )
    return [
        DefaultInfo(files = depset([out])),
        OutputGroupInfo(gdb = depset([gdb]), report = depset([report])),
        CPythonInfo(
            epoch = ctx.attr.epoch,
            gdb = gdb,
            report = report,
            tar = out,
            toolchain = toolchain,
            version = version,
        ),
    ]

cpython_musl = rule(
    implementation = _cpython_musl_impl,
    doc = "CPython for one release and platform of Alpine's, cross-compiled: <name>.tar of " +
          "usr/local, without symbols. It's the image's layer as it is.",
    attrs = {
        "build_python": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "the build_python of the same version",
        ),
        "epoch": attr.int(mandatory = True, doc = "time of all files, and of the build"),
        "expected_missing": attr.string_list(
            doc = "extension modules configure may skip; any other is an error",
        ),
        "frame_pointers": attr.bool(
            default = True,
            doc = "keep frame pointers where docker-library does (CPython 3.12 and later)",
        ),
        "free_threaded": attr.bool(doc = "without the global interpreter lock; as build_python is"),
        "setup_py": attr.bool(doc = "modules are built by a setup.py (before CPython 3.12)"),
        "source": attr.label(mandatory = True, allow_single_file = [".tar.xz"]),
        "toolchain": attr.label(mandatory = True, providers = [MuslToolchainInfo]),
        "version": attr.string(mandatory = True, doc = "the release, as python.org names it"),
        "wheels": attr.label_list(
            allow_files = [".whl"],
            doc = "installed beside pip; with setup_py only",
        ),
        "_compile": attr.label(
            default = "//tools/cpython:compile_musl",
            executable = True,
            cfg = "exec",
        ),
        "_compile_setup_py": attr.label(
            default = "//tools/cpython:compile_musl_setup_py",
            executable = True,
            cfg = "exec",
        ),
        "_config_site": attr.label(
            default = "//tools/cpython:config.site",
            allow_single_file = True,
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
    provides = [CPythonInfo],
)
