"""py_library, py_binary and py_test: Python programs on the pinned tool interpreter.

Not rules_python's: those run on the Python toolchain that the workspace has registered. Our
programs need the interpreter their wheels are pinned for, and a workspace that uses this module
needs its own toolchain for its own programs. These rules name the interpreter themselves, so
nothing is registered, and no workspace downloads a second Python for ours.

Only what the programs of this repository use is here: no byte code is compiled, no coverage
collected, and a library can't be a dependency of rules_python's rules.
"""

load("@bazel_skylib//lib:paths.bzl", "paths")

PyProgramInfo = provider(
    doc = "What a program needs in order to import a library.",
    fields = {
        "imports": "depset of strings: folders of sys.path, relative to the runfiles root",
    },
)

def _repository(ctx, label):
    """Returns the runfiles folder of a label's repository."""
    return label.repo_name or ctx.workspace_name

def _runfiles_path(ctx, file):
    """Returns the path of a file relative to the runfiles root."""
    return paths.normalize(paths.join(ctx.workspace_name, file.short_path))

def _imports(ctx):
    """Returns the depset of a target's import folders: its own first, then its dependencies'."""
    own = [
        paths.normalize(paths.join(_repository(ctx, ctx.label), ctx.label.package, folder))
        for folder in ctx.attr.imports
    ]

    # Modules are imported by their path from the root of the repository that has them.
    roots = {_repository(ctx, file.owner): None for file in ctx.files.srcs}
    return depset(
        own + roots.keys(),
        transitive = [dep[PyProgramInfo].imports for dep in ctx.attr.deps],
        order = "preorder",
    )

def _runfiles(ctx, files):
    """Returns the runfiles of a target: `files`, its sources, its data and its dependencies'."""

    # A target's files beside its own runfiles: a tool that is there for two configurations must not
    # be put together from both.
    return ctx.runfiles(files = files + ctx.files.srcs).merge_all([
        runfiles
        for target in ctx.attr.deps + ctx.attr.data
        for runfiles in [
            ctx.runfiles(transitive_files = target[DefaultInfo].files),
            target[DefaultInfo].default_runfiles,
        ]
    ])

def _py_library_impl(ctx):
    return [
        DefaultInfo(
            files = depset(ctx.files.srcs),
            runfiles = _runfiles(ctx, []),
        ),
        PyProgramInfo(imports = _imports(ctx)),
    ]

def _main(ctx):
    """Returns the file the program starts with: `main`, or the source named like the target."""
    if ctx.file.main:
        return ctx.file.main
    found = [file for file in ctx.files.srcs if file.basename == ctx.label.name + ".py"]
    if len(found) != 1:
        fail("{}: no source is named {}.py; name the file the program starts with in `main`".format(
            ctx.label,
            ctx.label.name,
        ))
    return found[0]

def _program_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name)
    main = _main(ctx)
    imports = _imports(ctx)
    ctx.actions.expand_template(
        template = ctx.file._template,
        output = script,
        is_executable = True,
        substitutions = {
            "%imports%": ":".join(["$runfiles/" + folder for folder in imports.to_list()]),
            "%main%": _runfiles_path(ctx, main),
            "%python%": _runfiles_path(ctx, ctx.file._python),
            "%target%": str(ctx.label).removeprefix("@@"),
        },
    )
    return [
        DefaultInfo(
            executable = script,
            files = depset([script]),
            runfiles = _runfiles(ctx, [script, main, ctx.file._python]).merge(
                ctx.runfiles(transitive_files = ctx.attr._python_files[DefaultInfo].files),
            ),
        ),
        PyProgramInfo(imports = imports),
        RunEnvironmentInfo(
            environment = {
                name: ctx.expand_location(value, ctx.attr.data)
                for name, value in ctx.attr.env.items()
            },
            inherited_environment = ctx.attr.env_inherit,
        ),
    ]

_LIBRARY_ATTRS = {
    "data": attr.label_list(
        allow_files = True,
        doc = "Files that are read at run time.",
    ),
    "deps": attr.label_list(
        providers = [PyProgramInfo],
        doc = "Libraries that are imported.",
    ),
    "imports": attr.string_list(
        doc = "Folders to import from, relative to the package, besides the repository's root.",
    ),
    "srcs": attr.label_list(
        allow_files = [".py"],
        doc = "Python files.",
    ),
}

_PROGRAM_ATTRS = _LIBRARY_ATTRS | {
    "env": attr.string_dict(
        doc = "Environment variables of `bazel run` and `bazel test`; $(rootpath …) of data is expanded.",
    ),
    "env_inherit": attr.string_list(
        doc = "Environment variables to take from whoever calls `bazel test`.",
    ),
    "main": attr.label(
        allow_single_file = [".py"],
        doc = "The file the program starts with. Default: the source named like the target.",
    ),
    "_python": attr.label(
        default = "//toolchains/python:interpreter",
        allow_single_file = True,
    ),
    "_python_files": attr.label(default = "//toolchains/python:files"),
    "_template": attr.label(
        default = "//toolchains/python:program.sh.tpl",
        allow_single_file = True,
    ),
}

py_library = rule(
    implementation = _py_library_impl,
    doc = "Python modules that programs import.",
    attrs = _LIBRARY_ATTRS,
    provides = [PyProgramInfo],
)

py_binary = rule(
    implementation = _program_impl,
    doc = "A Python program on the tool interpreter.",
    attrs = _PROGRAM_ATTRS,
    executable = True,
)

py_test = rule(
    implementation = _program_impl,
    doc = "A Python program on the tool interpreter, as a test: it passes if it exits with 0.",
    attrs = _PROGRAM_ATTRS,
    test = True,
)
