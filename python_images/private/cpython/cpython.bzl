"""Rules that compile CPython and make image layers of it."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_set")
load("//toolchains/cc:rules.bzl", "EXEC_CONSTRAINTS", "ToolchainInfo", "toolchain_args")
load(":compile.bzl", "COMPILE_ATTRS", "CPythonInfo", "RELEASE_ATTRS", "compile_cpython", "compile_resources")
load(":configuration.bzl", "one_configuration")

# How many of a thousand functions need not fit the profile: docs/cpython.md has what was measured.
_MAX_MISMATCHED = 10

def _build_python_impl(ctx):
    toolchain = ctx.attr._toolchain[ToolchainInfo]
    out = ctx.actions.declare_file(ctx.label.name)
    args = ctx.actions.args()
    args.add("--source", ctx.file.source)
    inputs = toolchain_args(args, toolchain)
    if ctx.attr.free_threaded:
        args.add("--free-threaded")
    args.add("--epoch", ctx.attr.epoch)
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
        resource_set = compile_resources,
    )
    return [DefaultInfo(files = depset([out]), executable = out)]

build_python = rule(
    implementation = _build_python_impl,
    cfg = one_configuration,
    doc = "A static CPython for the build machine, which drives the compilation of its version.",
    attrs = RELEASE_ATTRS | {
        "free_threaded": attr.bool(doc = "without the global interpreter lock"),
        "setup_py": attr.bool(doc = "modules are built by a setup.py (before CPython 3.12)"),
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
    program = ctx.executable._compile_setup_py if ctx.attr.setup_py else ctx.executable._compile
    full = ctx.attr._optimization[BuildSettingInfo].value == "full"
    how = []
    options = []
    inputs = []
    if full and (ctx.attr.lto or ctx.file.profile):
        program = ctx.executable._compile_optimized
        if ctx.attr.lto:
            how.append("link-time optimisation")
            options.append("--lto")
        if ctx.file.profile:
            how.append("profile")
            options += ["--profile", ctx.file.profile, "--max-mismatched", ctx.attr.max_mismatched]
            inputs.append(ctx.file.profile)
        if ctx.file.stencils:
            program = ctx.executable._compile_jit
            options += ["--stencils", ctx.file.stencils]
            inputs.append(ctx.file.stencils)
    else:
        options += ["--optimization", "none"]
    return compile_cpython(
        ctx,
        how = " and ".join(how) or "plain",
        inputs = inputs,
        options = options,
        program = program,
        toolchain = ctx.attr.toolchain[ToolchainInfo],
        toolchain_args = toolchain_args,
    )

cpython = rule(
    implementation = _cpython_impl,
    cfg = one_configuration,
    doc = "CPython for one suite and platform, cross-compiled: <name>.tar of usr/local, unstripped.",
    attrs = COMPILE_ATTRS | {
        "lto": attr.bool(doc = "whether the linker optimises"),
        "max_mismatched": attr.int(
            default = _MAX_MISMATCHED,
            doc = "how many of a thousand functions need not fit the profile",
        ),
        "profile": attr.label(
            allow_single_file = [".tar.xz"],
            doc = "what training counted, for gcc to optimise by; none if absent",
        ),
        "stencils": attr.label(
            allow_single_file = [".tar"],
            doc = "the code of its JIT, which is off by default: " +
                  "//python_images/cpython:<version>_<platform>.stencils; no JIT if absent",
        ),
        "toolchain": attr.label(
            mandatory = True,
            providers = [ToolchainInfo],
            doc = "the compiler, //toolchains/cc:<suite>_<platform>",
        ),
        "_compile": attr.label(
            default = "//tools/cpython:compile",
            executable = True,
            cfg = "exec",
        ),
        "_compile_jit": attr.label(
            default = "//tools/cpython:compile_jit",
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
    if ctx.attr.strip and info.stripped:
        return [DefaultInfo(files = depset([info.stripped]))]
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    if not ctx.attr.strip:
        args.add("--cpython", info.tar)
        args.add("--gdb", info.gdb)
        args.add("--epoch", info.epoch)
        args.add_all(ctx.files._debug_tools, before_each = "--tool")
        args.add("--work", out.path + ".work")
        args.add("--out", out)
        ctx.actions.run(
            executable = ctx.executable._gdb,
            arguments = [args],
            inputs = [info.tar, info.gdb] + ctx.files._debug_tools,
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

def _debug_tools(strip):
    """What makes debugging information smaller; a layer without any fetches none of it."""
    return None if strip else build_set(TOOLS_SUITE, "amd64", "debug_tools")

cpython_layer = rule(
    implementation = _cpython_layer_impl,
    cfg = one_configuration,
    doc = "The layer of a CPython: an uncompressed tar, stripped or with gdb's extension.",
    attrs = {
        "cpython": attr.label(mandatory = True, providers = [CPythonInfo], doc = "a cpython"),
        "strip": attr.bool(default = True, doc = "whether to strip; else gdb's extension is added"),
        "_debug_tools": attr.label(
            default = _debug_tools,
            allow_files = [".deb"],
        ),
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
    cfg = one_configuration,
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
    cfg = one_configuration,
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
