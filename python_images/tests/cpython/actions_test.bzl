"""Tests of the actions that compile CPython: what of a machine or a build is in their keys."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//python_images/private/cpython:cpython.bzl", "build_python", "cpython")
load("//python_images/private/cpython:jit.bzl", "jit_stencils")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE")

def _compile_test_impl(ctx):
    env = analysistest.begin(ctx)
    (action,) = [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == ctx.attr.mnemonic
    ]

    # Asked when the action runs: a number here would be the machine's.
    asserts.equals(env, [], [word for word in action.argv if "jobs" in word])
    given = [word for word in action.argv if word == "--build-python"]
    asserts.equals(env, 1 if ctx.attr.build_python else 0, len(given))
    files = [file.basename for file in action.inputs.to_list()]
    asserts.equals(env, ctx.attr.build_python, "build.sh" in files)
    return analysistest.end(env)

compile_test = analysistest.make(
    _compile_test_impl,
    attrs = {
        "build_python": attr.bool(doc = "whether the action is given one"),
        "mnemonic": attr.string(mandatory = True),
    },
)

def _inputs_test_impl(ctx):
    env = analysistest.begin(ctx)
    (action,) = [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == ctx.attr.mnemonic
    ]
    asserts.equals(env, ctx.attr.program, action.argv[0].rpartition("/")[2])
    files = [file.basename for file in action.inputs.to_list()]
    for file, expected in ctx.attr.files.items():
        asserts.equals(env, expected, str(file in files), file)
    return analysistest.end(env)

inputs_test = analysistest.make(
    _inputs_test_impl,
    attrs = {
        "files": attr.string_dict(doc = "name -> whether it is an input, True or False"),
        "mnemonic": attr.string(mandatory = True),
        "program": attr.string(mandatory = True, doc = "the executable's name"),
    },
)

def _jit_tests(name, common):
    """Declares tests: only what generates the JIT's code takes clang. Returns their names."""
    toolchain = "//toolchains/cc:{}_amd64".format(TOOLS_SUITE)
    jit_stencils(
        name = name + "_stencils",
        build_python = "build.sh",
        clang = "clang.tar",
        clang_version = "19",
        toolchain = toolchain,
        **common
    )
    cpython(
        name = name + "_jit",
        lto = True,
        stencils = name + "_stencils",
        toolchain = toolchain,
        **common
    )
    cpython(
        name = name + "_without",
        lto = True,
        toolchain = toolchain,
        **common
    )
    stencils = name + "_stencils.tar"
    for target, mnemonic, program, files in [
        ("stencils", "GenerateStencils", "stencils", {"clang.tar": "True"}),
        ("jit", "CompileCPython", "compile_jit", {"clang.tar": "False", stencils: "True"}),
        ("without", "CompileCPython", "compile_optimized", {stencils: "False"}),
    ]:
        inputs_test(
            name = "{}_{}_test".format(name, target),
            files = files,
            mnemonic = mnemonic,
            program = program,
            target_under_test = "{}_{}".format(name, target),
        )
    return ["{}_{}_test".format(name, target) for target in ["stencils", "jit", "without"]]

def actions_test_suite(name):
    """Declares the tests, with what they look at: nothing of it is ever compiled.

    Args:
      name: name of the suite of all of them.
    """
    common = {
        "epoch": 0,
        "source": "source.tar.xz",
        "tags": ["manual"],
        "testonly": True,
        "version": "3.13.0",
    }
    build_python(
        name = name + "_built",
        **common
    )
    tests = {name + "_built_test": ("BuildPython", name + "_built", False)}
    for by, file in {"by_tools": None, "by_its_own": "build.sh"}.items():
        target = "{}_{}".format(name, by)
        cpython(
            name = target,
            build_python = file,
            toolchain = "//toolchains/cc:{}_amd64".format(TOOLS_SUITE),
            **common
        )
        tests[target + "_test"] = ("CompileCPython", target, file != None)
    for test, (mnemonic, target, has_build_python) in tests.items():
        compile_test(
            name = test,
            build_python = has_build_python,
            mnemonic = mnemonic,
            target_under_test = target,
        )
    native.test_suite(
        name = name,
        tests = tests.keys() + _jit_tests(name, common),
    )
