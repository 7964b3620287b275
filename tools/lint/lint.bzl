"""lint_check: one checker as a test (//tools/lint:<name>_test) and as a command (:<name>)."""

load("//toolchains/python:rules.bzl", "py_binary", "py_test")

def lint_check(name, args = [], data = [], deps = []):
    """Declares `<name>` (mends with `-- --fix`) and `<name>_test`.

    Args:
      name: the checker, as lint.py names it.
      args: its further arguments.
      data: files those name.
      deps: Python packages it needs.
    """
    common = dict(
        srcs = ["lint.py"],
        args = [name] + args,
        data = data + ["//:MODULE.bazel"],
        main = "lint.py",
        deps = deps + [
            "//tools/lint:text_checks",
            "@wheels//:bazel-runfiles",
        ],
    )
    py_binary(
        name = name,
        **common
    )
    py_test(
        name = name + "_test",
        size = "medium",
        # It reads the checkout itself, which Bazel does not see: never take an old result.
        tags = [
            "external",
            "no-remote",
        ],
        **common
    )
