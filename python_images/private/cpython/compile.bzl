"""What the rules that compile CPython share, whichever C library it is for."""

CPythonInfo = provider(
    doc = "A compiled CPython.",
    fields = {
        "epoch": "int: modification time of its files, seconds since 1970",
        "gdb": "File: CPython's extension for gdb (Tools/gdb/libpython.py)",
        "report": "File: JSON with the facts of the build: compiler, flags, modules, pip",
        "stripped": "File: the same tar without symbols; None where it is made of the other here",
        "tar": "File: uncompressed tar of usr/local with an unstripped CPython",
        "toolchain": "ToolchainInfo or MuslToolchainInfo: what it was compiled with; None of " +
                     "what is fetched, whose stripped tar comes with it",
        "version": "string: the release, with a t if it is free-threaded",
    },
)

# Compilers that run at once at most: MAX_JOBS of tools/cpython/workspace.py. How many do is asked when a
# compilation runs, so that neither its key nor its bytes depend on the machine.
MAX_JOBS = 8

def compile_resources(_os, _inputs):
    """What a compilation takes of a machine; Bazel starts one that wants more than there is alone."""
    return {"cpu": MAX_JOBS, "memory": 500 * MAX_JOBS}

# Attributes of a rule that compiles a release of CPython, or a part of it.
RELEASE_ATTRS = {
    "epoch": attr.int(mandatory = True, doc = "time of all files, and of the build"),
    "source": attr.label(
        mandatory = True,
        # .gz: one that is patched here.
        allow_single_file = [".tar.gz", ".tar.xz"],
        doc = "CPython's source",
    ),
    "version": attr.string(mandatory = True, doc = "the release, as python.org names it"),
}

# Attributes of a rule that cross-compiles it; `configure_args` adds their options.
CONFIGURE_ATTRS = RELEASE_ATTRS | {
    "build_python": attr.label(
        allow_single_file = True,
        # Not in the exec configuration, though it runs there: it is made for a fixed machine,
        # and each configuration would compile its own.
        doc = "the build_python of the same version; if absent, the tools' interpreter drives the " +
              "compilation, whose minor version has to be the same",
    ),
    "config_site": attr.label(
        allow_single_file = True,
        doc = "answers for configure, if those of //tools/cpython:config.site don't do; it may " +
              "read that, which lies beside it",
    ),
    "_config_site": attr.label(
        default = "//tools/cpython:config.site",
        allow_single_file = True,
    ),
}

# Attributes of a rule that calls compile_cpython, besides the toolchain and the programs.
COMPILE_ATTRS = CONFIGURE_ATTRS | {
    "expected_missing": attr.string_list(
        doc = "extension modules configure may skip; any other is an error",
    ),
    "frame_pointers": attr.bool(
        default = True,
        doc = "keep frame pointers where docker-library does (CPython 3.12 and later)",
    ),
    "free_threaded": attr.bool(doc = "without the global interpreter lock; as build_python is"),
    "setup_py": attr.bool(doc = "modules are built by a setup.py (before CPython 3.12)"),
    "wheels": attr.label_list(
        allow_files = [".whl"],
        doc = "installed beside pip; with setup_py only",
    ),
}

def configure_args(ctx, args, toolchain, toolchain_args):
    """Adds the options of what cross-compiles CPython: its source, how to configure it, and by what.

    Args:
      ctx: context of a rule with CONFIGURE_ATTRS.
      args: the Args to add to.
      toolchain: what `toolchain_args` takes.
      toolchain_args: function of an Args and the toolchain that adds its options and returns the
        Files they name.

    Returns:
      list of the Files that the options name.
    """
    args.add("--source", ctx.file.source)
    args.add_all(ctx.files.build_python, before_each = "--build-python")
    args.add("--config-site", ctx.file.config_site or ctx.file._config_site)
    return toolchain_args(args, toolchain) + [
        ctx.file.source,
        ctx.file._config_site,
    ] + ctx.files.build_python + ctx.files.config_site

def compile_cpython(ctx, toolchain, toolchain_args, program, options, inputs = [], how = "plain"):
    """Declares the action that compiles CPython: <name>.tar, <name>.json and <name>-gdb.py.

    Args:
      ctx: context of a rule with COMPILE_ATTRS.
      toolchain: a struct with cflags, frame_pointer_flags, label, ldflags and what
        `toolchain_args` takes.
      toolchain_args: function of an Args and the toolchain that adds its options and returns the
        Files they name.
      program: what compiles, an executable.
      options: strings, integers and Files: how it is optimised, as options of the program.
      inputs: Files among `options`.
      how: the same for people.

    Returns:
      list of providers, a CPythonInfo among them.
    """
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
    named = configure_args(ctx, args, toolchain, toolchain_args)
    args.add(cflags, format = "--cflags=%s")
    args.add(toolchain.ldflags, format = "--ldflags=%s")
    for option in options:
        args.add(option)
    if ctx.attr.free_threaded:
        args.add("--free-threaded")
    args.add_all(ctx.files.wheels, before_each = "--wheel")
    args.add_all(ctx.attr.expected_missing, before_each = "--expected-missing")
    args.add("--epoch", ctx.attr.epoch)
    args.add("--work", out.path + ".work")
    args.add("--out", out)
    args.add("--report", report)
    args.add("--gdb", gdb)
    ctx.actions.run(
        executable = program,
        arguments = [args],
        inputs = named + inputs + ctx.files.wheels,
        outputs = [out, report, gdb],
        mnemonic = "CompileCPython",
        progress_message = "Compiling CPython {} ({})".format(label, how),
        resource_set = compile_resources,
    )
    return [
        DefaultInfo(files = depset([out])),
        OutputGroupInfo(gdb = depset([gdb]), report = depset([report])),
        CPythonInfo(
            epoch = ctx.attr.epoch,
            gdb = gdb,
            report = report,
            stripped = None,
            tar = out,
            toolchain = toolchain,
            version = version,
        ),
    ]
