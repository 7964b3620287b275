"""Analysis tests of toolchains/python/rules.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//toolchains/python:rules.bzl", "py_binary")

def _no_main_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, "no source is named no_main.py; name the file the program starts with in `main`")
    return analysistest.end(env)

_no_main_test = analysistest.make(_no_main_test_impl, expect_failure = True)

def _no_toolchain_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    files = [file.short_path for file in target[DefaultInfo].default_runfiles.files.to_list()]

    # The program brings the interpreter along: no toolchain of the workspace has a say.
    asserts.true(env, [file for file in files if file.endswith("tool_python/bin/python3")], files)
    return analysistest.end(env)

_no_toolchain_test = analysistest.make(_no_toolchain_test_impl)

def _tool_impl(ctx):
    # As programs that find their libraries beside themselves.
    launcher = ctx.actions.declare_file(ctx.label.name + "/launcher")
    library = ctx.actions.declare_file(ctx.label.name + "/library")
    for file in (launcher, library):
        ctx.actions.write(file, "", is_executable = True)
    return [DefaultInfo(
        executable = launcher,
        files = depset([launcher]),
        runfiles = ctx.runfiles([launcher, library]),
    )]

two_files_tool = rule(
    implementation = _tool_impl,
    doc = "A tool of two files, of which only the first is a file of its target.",
    executable = True,
)

def _user_impl(ctx):
    return [DefaultInfo(runfiles = ctx.attr.tool[DefaultInfo].default_runfiles)]

tool_user = rule(
    implementation = _user_impl,
    doc = "Has a tool, built for the machine that builds, among its runfiles.",
    attrs = {"tool": attr.label(cfg = "exec", executable = True)},
)

def rules_test_suite(name):
    """Declares the tests.

    Args:
      name: the suite's name.
    """
    py_binary(
        name = "no_main",
        srcs = ["first.py"],
        tags = ["manual"],
    )
    _no_main_test(
        name = name + "_no_main",
        target_under_test = ":no_main",
    )
    _no_toolchain_test(
        name = name + "_no_toolchain",
        target_under_test = ":program",
    )
    native.test_suite(
        name = name,
        tests = [
            name + "_no_main",
            name + "_no_toolchain",
        ],
    )
