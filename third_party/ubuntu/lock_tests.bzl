"""ubuntu_locks: tests of the locks of Ubuntu's suites."""

load("//tools/testing:pytest.bzl", "py_pytest")

# What an unlocked suite doesn't fit; Bazel names it where it skips one.
_NOT_LOCKED = "//third_party/ubuntu:locked_by_tools_lock"

def ubuntu_locks(name, catalog, package_sets):
    """Declares `<suite>_lock_test`: a suite's locks have what the catalog asks for.

    Where none of them is there, Bazel says to have skipped it.

    Args:
      name: test suite of all of them.
      catalog: CATALOG of @catalog//:catalog.bzl.
      package_sets: PACKAGE_SETS of @debian//:sets.bzl.
    """
    tests = []
    for suite in catalog["ubuntu"]["suites"]:
        archs = package_sets.get(suite, {})
        tests.append(suite + "_lock_test")
        py_pytest(
            name = suite + "_lock_test",
            size = "small",
            srcs = ["//tools/packages/ubuntu:locked_test.py"],
            data = ["{}_{}.lock".format(suite, arch) for arch in archs] +
                   ["//third_party/ubuntu/build:{}_{}.lock".format(suite, arch) for arch in archs],
            env = {
                "ARCHS": " ".join(archs),
                "SUITE": suite,
            },
            target_compatible_with = [] if archs else [_NOT_LOCKED],
            deps = ["//tools/packages/ubuntu:locking"],
        )
    native.test_suite(
        name = name,
        tests = tests,
    )
