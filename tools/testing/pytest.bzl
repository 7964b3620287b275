"""py_pytest: pytest files as a Bazel test, with the tool interpreter."""

load("//toolchains/python:rules.bzl", "py_test")

_MAIN = "//tools/testing:pytest_main.py"

def py_pytest(name, srcs, deps = [], data = [], programs = [], tags = [], **kwargs):
    """A py_test that runs pytest on `srcs`.

    Args:
      name: name of the test target.
      srcs: the `*_test.py` files.
      deps: libraries, besides pytest and hypothesis.
      data: files the tests read.
      programs: programs of the machine that tests use where it has them, and say SKIPPED where it hasn't.
        No cache has the result: another machine has other programs. Each is a tag, `program:NAME`, by which
        `.ci/run without` finds the test.
      tags: further tags.
      **kwargs: further attributes of py_test.
    """
    if programs:
        tags = tags + [
            "external",
            "no-remote",
        ] + ["program:" + program for program in programs]
    py_test(
        name = name,
        srcs = srcs + [_MAIN],
        args = ["$(rootpath {})".format(src) for src in srcs] + kwargs.pop("args", []),
        data = data + srcs,
        main = _MAIN,
        tags = tags,
        deps = deps + [
            "//tools/testing:programs",
            "@dev_wheels//:hypothesis",
            "@dev_wheels//:attrs",
            "@dev_wheels//:iniconfig",
            "@wheels//:packaging",
            "@dev_wheels//:pluggy",
            "@dev_wheels//:pygments",
            "@dev_wheels//:pytest",
            "@dev_wheels//:sortedcontainers",
        ],
        **kwargs
    )
