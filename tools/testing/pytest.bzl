"""py_pytest: pytest files as a Bazel test, with the tool interpreter."""

load("//toolchains/python:rules.bzl", "py_test")

_MAIN = "//tools/testing:pytest_main.py"

def py_pytest(name, srcs, deps = [], data = [], **kwargs):
    """A py_test that runs pytest on `srcs`.

    Args:
      name: name of the test target.
      srcs: the `*_test.py` files.
      deps: libraries, besides pytest and hypothesis.
      data: files the tests read.
      **kwargs: further attributes of py_test.
    """
    py_test(
        name = name,
        srcs = srcs + [_MAIN],
        args = ["$(rootpath {})".format(src) for src in srcs] + kwargs.pop("args", []),
        data = data + srcs,
        main = _MAIN,
        deps = deps + [
            "@wheels//:hypothesis",
            "@wheels//:attrs",
            "@wheels//:iniconfig",
            "@wheels//:packaging",
            "@wheels//:pluggy",
            "@wheels//:pygments",
            "@wheels//:pytest",
            "@wheels//:sortedcontainers",
        ],
        **kwargs
    )
