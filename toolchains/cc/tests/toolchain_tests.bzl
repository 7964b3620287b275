"""suite_toolchain_tests: tests of the compilers of a catalog's suites."""

load("//toolchains/cc:build_sets.bzl", "build_set")
load("//toolchains/cc:flags.bzl", "build_flags")
load("//toolchains/cc:rules.bzl", "package_tree")
load("//toolchains/cc:toolchains.bzl", "gcc_version")
load("//tools/testing:pytest.bzl", "py_pytest")

# dpkg-buildflags and the perl that runs it.
_DPKG_KEEP = [
    "usr/bin/dpkg-buildflags",
    "usr/bin/perl",
    "usr/lib64/*",
    "usr/lib/x86_64-linux-gnu/*.so*",
    "usr/lib/x86_64-linux-gnu/perl*",
    "usr/share/dpkg/*",
    "usr/share/perl*",
]

def _flags_test(suite, facts, targets, vendor):
    """Declares `<suite>_flags_test`: the catalog has what the suite's own dpkg says."""
    expected = {}
    for platform in facts["platforms"]:
        flags = build_flags(facts, platform)
        expected[targets[platform]["debian"]] = [flags.cflags, flags.ldflags]
    package_tree(
        name = suite + "_dpkg",
        testonly = True,
        debs = build_set(suite, "amd64", "sysroot"),
        keep = _DPKG_KEEP,
        launcher = ":launcher",
        tags = ["manual"],
    )
    py_pytest(
        name = suite + "_flags_test",
        size = "small",
        srcs = ["flags_test.py"],
        data = [suite + "_dpkg"],
        env = {
            "DPKG": "$(rootpath {}_dpkg)".format(suite),
            "EXPECTED": json.encode(expected),
            "SUITE": suite,
            "VENDOR": vendor,
        },
        deps = ["//toolchains/trees:unpack"],
    )

def suite_toolchain_tests(name, catalog, vendor, test_sample = False):  # buildifier: disable=unused-variable
    """Declares the tests of what suite_toolchains declares.

    `<suite>_flags_test` compares the flags with those of the suite's dpkg, `<suite>_<platform>_test` tries
    the compiler; it's manual where the platform isn't in the sample that `bazel test //...` takes.

    Args:
      name: unused; what there is comes from the catalog.
      catalog: CATALOG of @catalog//:catalog.bzl, or one with other suites.
      vendor: whose suites they are, by the name that dpkg has for it.
      test_sample: whether `bazel test //...` tests those of the platforms in the sample.
    """
    for suite, facts in catalog["suites"].items():
        _flags_test(suite, facts, catalog["platforms"], vendor)
        for platform in facts["platforms"]:
            toolchain = "{}_{}".format(suite, platform)
            target = catalog["platforms"][platform]
            gcc = gcc_version(suite, platform, facts["build_sets"]["cc_" + platform])
            py_pytest(
                name = toolchain + "_test",
                timeout = "long",  # unpacks 200 MB, several times
                srcs = ["toolchain_test.py"],
                data = [
                    toolchain,
                    toolchain + "_cc",
                    toolchain + "_sysroot",
                    "host_tools",
                ],
                env = {
                    "CC": "$(rootpath {}_cc)".format(toolchain),
                    "GCC": gcc,
                    "GNU": target["gnu"],
                    "HOST": "$(rootpath host_tools)",
                    "MACHINE": str(target["machine"]),
                    "SYSROOT": "$(rootpath {}_sysroot)".format(toolchain),
                    "TRIPLET": target["triplet"],
                },
                tags = [] if test_sample and target["sample"] else ["manual"],
                deps = [
                    "//tools/cpython:workspace",
                    "//tools/formats",
                ],
            )
