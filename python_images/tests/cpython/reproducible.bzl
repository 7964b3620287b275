"""Tests that make what a CPython consists of again, otherwise, and compare the bytes."""

load(
    "//python_images/private/cpython:cpythons.bzl",
    "CONFIG_SITE",
    "build_python_of",
    "profile_of",
    "stencils_of",
)
load("//python_images/private/cpython:minors.bzl", "jit_clang", "minor_rules")
load("//python_images/private/cpython:names.bzl", "cpython_name")
load("//toolchains/cc:toolchains.bzl", "gcc_version")
load("//tools/testing:pytest.bzl", "py_pytest")

def reproducible_test(name, catalog, version, suite, platform):
    """A manual test that compiles a CPython again, otherwise, and compares the bytes.

    Args:
      name: name of the test.
      catalog: CATALOG of @catalog//:catalog.bzl.
      version: the release.
      suite: name of the suite.
      platform: name of the platform.
    """
    release = cpython_name(version, suite, platform)
    toolchain = "//toolchains/cc:{}_{}".format(suite, platform)
    native.filegroup(
        name = name + "_report",
        srcs = [release],
        output_group = "report",
        tags = ["manual"],
    )
    profile = profile_of(
        catalog["versions"][version],
        suite,
        catalog["suites"][suite],
        platform,
        catalog["platforms"][platform],
    )
    build_python = build_python_of(version, catalog["versions"][version])
    stencils = stencils_of(version, catalog["versions"][version], platform, catalog["platforms"][platform])
    files = ({"BUILD_PYTHON": build_python} if build_python else {}) | (
        {"STENCILS": stencils} if stencils else {}
    ) | {
        "CC": toolchain + "_cc",
        "CONFIG_SITE": CONFIG_SITE,
        "CPYTHON": release,
        "HOST": "//toolchains/cc:host_tools",
        "REPORT": name + "_report",
        "SOURCE": catalog["versions"][version]["source"],
        "SYSROOT": toolchain + "_sysroot",
    }
    env = {key: "$(rootpath {})".format(file) for key, file in files.items()}
    py_pytest(
        name = name,
        size = "enormous",
        srcs = ["//tools/cpython:reproducible_test.py"],
        data = files.values() + ([profile] if profile else []),
        env = env | {"PROFILE": "$(rootpath {})".format(profile) if profile else ""},
        tags = ["manual"],
        deps = ["//tools/cpython:compile_test_lib"],
    )

def stencils_test(name, catalog, version, suite, platform):
    """A manual test that generates a JIT's code again, by another suite's compiler, and compares.

    Args:
      name: name of the test.
      catalog: CATALOG of @catalog//:catalog.bzl.
      version: the release, which has a JIT.
      suite: name of the suite.
      platform: name of the platform.
    """
    facts = catalog["versions"][version]
    target = catalog["platforms"][platform]
    toolchain = "//toolchains/cc:{}_{}".format(suite, platform)
    clang = jit_clang(facts, target)
    files = {
        "build-python": version + "_build",
        "cc": toolchain + "_cc",
        "config-site": minor_rules(facts).config_site or CONFIG_SITE,
        "host": "//toolchains/cc:host_tools",
        "llvm": "//toolchains/cc:clang_" + clang,
        "source": facts["source"],
        "sysroot": toolchain + "_sysroot",
    }
    given = {key: "$(rootpath {})".format(file) for key, file in files.items()} | {
        "clang": clang,
        "epoch": str(facts["epoch"]),
        "gcc": gcc_version(suite, platform, catalog["suites"][suite]["build_sets"]["cc_" + platform]),
        "gnu": target["gnu"],
        "triplet": target["triplet"],
        "version": facts["release"],
    }
    stencils = stencils_of(version, facts, platform, target)
    py_pytest(
        name = name,
        size = "large",
        srcs = ["//tools/cpython:stencils_again_test.py"],
        data = {file: None for file in files.values() + [CONFIG_SITE, stencils]}.keys(),
        env = {
            "OPTIONS": "\n".join(["--{}={}".format(key, value) for key, value in given.items()]),
            "STENCILS": "$(rootpath {})".format(stencils),
        },
        tags = ["manual"],
        deps = ["//tools/cpython:compile_test_lib"],
    )
