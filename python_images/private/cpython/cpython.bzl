"""Rules that compile CPython and make image layers of it."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS", "ToolchainInfo", "toolchain_args")

CPythonInfo = provider(
    doc = "A compiled CPython.",
    fields = {
        "epoch": "int: modification time of its files, seconds since 1970",
        "gdb": "File: CPython's extension for gdb (Tools/gdb/libpython.py)",
        "report": "File: JSON with the facts of the build: compiler, flags, modules, pip",
        "tar": "File: uncompressed tar of usr/local with an unstripped CPython",
        "toolchain": "ToolchainInfo: what it was compiled with",
        "version": "string: the release, with a t if it is free-threaded",
    },
)

_JOBS = 2

# How many of a thousand functions need not fit the profile: docs/cpython.md has what was measured.
_MAX_MISMATCHED = 10

def _compile_resources(_os, _inputs):
    # The scheduler then doesn't start two compilations on two cores.
    return {"cpu": _JOBS, "memory": 1500}

def _build_python_impl(ctx):
    toolchain = ctx.attr._toolchain[ToolchainInfo]
    out = ctx.actions.declare_file(ctx.label.name)
    args = ctx.actions.args()
    args.add("--source", ctx.file.source)
    inputs = toolchain_args(args, toolchain)
    if ctx.attr.free_threaded:
        args.add("--free-threaded")
    args.add("--epoch", ctx.attr.epoch)
    args.add("--jobs", _JOBS)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    build = ctx.executable._build_setup_py if ctx.attr.setup_py else ctx.executable._build
    ctx.actions.run(
        executable = build,
        arguments = [args],
        inputs = inputs + [ctx.file.source],
        outputs = [out],
        mnemonic = "BuildPython",
        progress_message = "Compiling CPython {} for the build machine".format(ctx.attr.version),
        resource_set = _compile_resources,
    )
    return [DefaultInfo(files = depset([out]), executable = out)]

build_python = rule(
    implementation = _build_python_impl,
    doc = "A static CPython for the build machine, which drives the compilation of its version.",
    attrs = {
        "epoch": attr.int(mandatory = True, doc = "what the build takes as the time"),
        "free_threaded": attr.bool(doc = "without the global interpreter lock"),
        "setup_py": attr.bool(doc = "modules are built by a setup.py (before CPython 3.12)"),
        "source": attr.label(mandatory = True, allow_single_file = [".tar.xz"]),
        "version": attr.string(mandatory = True),
        "_build": attr.label(
            default = "//tools/cpython:build_python",
            executable = True,
            cfg = "exec",
        ),
        "_build_setup_py": attr.label(
            default = "//tools/cpython:build_python_setup_py",
            executable = True,
            cfg = "exec",
        ),
        "_toolchain": attr.label(
            default = "//toolchains/cc:build_machine",
            providers = [ToolchainInfo],
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)

def _cpython_impl(ctx):
    toolchain = ctx.attr.toolchain[ToolchainInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    report = ctx.actions.declare_file(ctx.label.name + ".json")
    gdb = ctx.actions.declare_file(ctx.label.name + "-gdb.py")
    version = ctx.attr.version + ("t" if ctx.attr.free_threaded else "")
    label = "{} for {}".format(version, toolchain.label)
    args = ctx.actions.args()
    args.add("--version", ctx.attr.version)
    args.add("--label", label)
    args.add("--source", ctx.file.source)
    args.add("--build-python", ctx.file.build_python)
    args.add("--config-site", ctx.file._config_site)
    inputs = toolchain_args(args, toolchain)
    cflags = toolchain.cflags
    if ctx.attr.frame_pointers and toolchain.frame_pointer_flags:
        cflags += " " + toolchain.frame_pointer_flags
    args.add(cflags, format = "--cflags=%s")
    args.add(toolchain.ldflags, format = "--ldflags=%s")
    compile = ctx.executable._compile_setup_py if ctx.attr.setup_py else ctx.executable._compile
    full = ctx.attr._optimization[BuildSettingInfo].value == "full"
    how = []
    if full and (ctx.attr.lto or ctx.file.profile):
        compile = ctx.executable._compile_optimized
        if ctx.attr.lto:
            how.append("link-time optimisation")
            args.add("--lto")
        if ctx.file.profile:
            how.append("profile")
            args.add("--profile", ctx.file.profile)
            args.add("--max-mismatched", _MAX_MISMATCHED)
            inputs = inputs + [ctx.file.profile]
    else:
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
        executable = compile,
        arguments = [args],
        inputs = inputs + [
            ctx.file.source,
            ctx.file.build_python,
            ctx.file._config_site,
        ] + ctx.files.wheels,
        outputs = [out, report, gdb],
        mnemonic = "CompileCPython",
        progress_message = "Compiling CPython {} ({})".format(
            label,
            " and ".join(how) or "plain",
        ),
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

cpython = rule(
    implementation = _cpython_impl,
    doc = "CPython for one suite and platform, cross-compiled: <name>.tar of usr/local, unstripped.",
    attrs = {
        "build_python": attr.label(
            mandatory = True,
            allow_single_file = True,
            # Not in the exec configuration, though it runs there: it is made for a fixed machine,
            # and each configuration would compile its own.
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
        "lto": attr.bool(doc = "whether the linker optimises"),
        "profile": attr.label(
            allow_single_file = [".tar.xz"],
            doc = "what training counted, for gcc to optimise by; none if absent",
        ),
        "source": attr.label(
            mandatory = True,
            allow_single_file = [".tar.xz"],
            doc = "CPython's source",
        ),
        "toolchain": attr.label(
            mandatory = True,
            providers = [ToolchainInfo],
            doc = "the compiler, //toolchains/cc:<suite>_<platform>",
        ),
        "version": attr.string(mandatory = True, doc = "the release, as python.org names it"),
        "wheels": attr.label_list(
            allow_files = [".whl"],
            doc = "installed beside pip; with setup_py only",
        ),
        "_compile": attr.label(
            default = "//tools/cpython:compile",
            executable = True,
            cfg = "exec",
        ),
        "_compile_optimized": attr.label(
            default = "//tools/cpython:compile_optimized",
            executable = True,
            cfg = "exec",
        ),
        "_compile_setup_py": attr.label(
            default = "//tools/cpython:compile_setup_py",
            executable = True,
            cfg = "exec",
        ),
        "_config_site": attr.label(
            default = "//tools/cpython:config.site",
            allow_single_file = True,
        ),
        "_optimization": attr.label(
            default = "//python_images:optimization",
            providers = [BuildSettingInfo],
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
    provides = [CPythonInfo],
)

def _cpython_layer_impl(ctx):
    info = ctx.attr.cpython[CPythonInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    if not ctx.attr.strip:
        args.add("--cpython", info.tar)
        args.add("--gdb", info.gdb)
        args.add("--epoch", info.epoch)
        args.add("--out", out)
        ctx.actions.run(
            executable = ctx.executable._gdb,
            arguments = [args],
            inputs = [info.tar, info.gdb],
            outputs = [out],
            mnemonic = "AddGdb",
            progress_message = "Adding gdb's extension to layer %{label}",
        )
        return [DefaultInfo(files = depset([out]))]
    args.add("--cpython", info.tar)
    args.add("--cc", info.toolchain.cc)
    args.add("--triplet", info.toolchain.gnu)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._strip,
        arguments = [args],
        inputs = [info.tar, info.toolchain.cc],
        outputs = [out],
        mnemonic = "StripCPython",
        progress_message = "Stripping CPython {} for {}".format(
            info.version,
            info.toolchain.label,
        ),
    )
    return [DefaultInfo(files = depset([out]))]

cpython_layer = rule(
    implementation = _cpython_layer_impl,
    doc = "The layer of a CPython: an uncompressed tar, stripped or with gdb's extension.",
    attrs = {
        "cpython": attr.label(mandatory = True, providers = [CPythonInfo], doc = "a cpython"),
        "strip": attr.bool(default = True, doc = "whether to strip; else gdb's extension is added"),
        "_gdb": attr.label(
            default = "//tools/cpython:gdb",
            executable = True,
            cfg = "exec",
        ),
        "_strip": attr.label(
            default = "//tools/cpython:strip",
            executable = True,
            cfg = "exec",
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)

def _cpython_bytecode_layer_impl(ctx):
    info = ctx.attr.cpython[CPythonInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--cpython", info.tar)
    args.add("--build-python", ctx.file.build_python)
    args.add("--epoch", info.epoch)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._bytecode,
        arguments = [args],
        inputs = [info.tar, ctx.file.build_python],
        outputs = [out],
        mnemonic = "CompileBytecode",
        progress_message = "Writing byte code of layer %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

cpython_bytecode_layer = rule(
    implementation = _cpython_bytecode_layer_impl,
    doc = "A layer of byte code for all of a CPython's modules: an uncompressed tar.",
    attrs = {
        "build_python": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "the build_python of the same version",
        ),
        "cpython": attr.label(mandatory = True, providers = [CPythonInfo]),
        "_bytecode": attr.label(
            default = "//tools/cpython:bytecode",
            executable = True,
            cfg = "exec",
        ),
    },
    exec_compatible_with = EXEC_CONSTRAINTS,
)

def _cpython_links_layer_impl(ctx):
    info = ctx.attr.cpython[CPythonInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--cpython", info.tar)
    args.add("--epoch", info.epoch)
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._links,
        arguments = [args],
        inputs = [info.tar],
        outputs = [out],
        mnemonic = "LinkCPython",
        progress_message = "Linking python, pip ... of layer %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

cpython_links_layer = rule(
    implementation = _cpython_links_layer_impl,
    doc = "The layer of the links idle, pip, pydoc, python and python-config: an uncompressed tar.",
    attrs = {
        "cpython": attr.label(mandatory = True, providers = [CPythonInfo], doc = "a cpython"),
        "_links": attr.label(
            default = "//tools/cpython:links",
            executable = True,
            cfg = "exec",
        ),
    },
)
