"""Tests of python_org.bzl, and of the compilers' flags and versions."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images/private/attestations:sbom.bzl", "build_tools")
load("//python_images/private/cpython:minors.bzl", "build_pythons", "jit_clang")
load("//python_images/private/cpython:python_org.bzl", "archive_urls")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE")
load("//toolchains/cc:flags.bzl", "build_flags")
load("//toolchains/cc:toolchains.bzl", "gcc_version")
load("//toolchains/python:version.bzl", "TOOLS_PYTHON")

_URL = "https://www.python.org/ftp/python/3.13.15/Python-3.13.15.tar.xz"
_POOL = "pool/main/p/python3.13/python3.13_3.13.15.orig.tar.xz"
_DEBIAN = ["http://a.test/debian/" + _POOL, "http://b.test/debian/" + _POOL]

def _archive_urls_test_impl(ctx):
    env = unittest.begin(ctx)
    for mirror, mirrors, expected in [
        ("", [], [_URL]),
        ("", _DEBIAN, [_URL] + _DEBIAN),
        (
            "http://c.test/python/",
            _DEBIAN,
            ["http://c.test/python/3.13.15/Python-3.13.15.tar.xz", _URL] + _DEBIAN,
        ),
    ]:
        asserts.equals(env, expected, archive_urls(_URL, mirror, mirrors))
    asserts.equals(env, ["http://own.test/a.xz"], archive_urls("http://own.test/a.xz", "http://c.test"))
    return unittest.end(env)

def _gcc_version_test_impl(ctx):
    env = unittest.begin(ctx)
    for packages, expected in [
        (["binutils-x86-64-linux-gnu", "g++-12", "gcc-12"], "12"),
        (["gcc-14-aarch64-linux-gnu", "binutils-aarch64-linux-gnu"], "14"),
    ]:
        asserts.equals(env, expected, gcc_version("a suite", "a platform", packages))
    return unittest.end(env)

_SUITE = {"build_flags": {
    "cflags": "-g -O2",
    "ldflags": "-Wl,-z,relro",
    "more": {"amd64": "-fcf-protection"},
}}

def _build_flags_test_impl(ctx):
    env = unittest.begin(ctx)
    arm64 = build_flags(_SUITE, "arm64")
    asserts.equals(env, "-g -O2", arm64.cflags)
    asserts.equals(env, "-Wl,-z,relro", arm64.ldflags)
    asserts.equals(env, "-g -O2 -fcf-protection", build_flags(_SUITE, "amd64").cflags)
    return unittest.end(env)

def _frame_pointers_test_impl(ctx):
    env = unittest.begin(ctx)
    keep, leaf = "-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"
    for platform, expected in {
        "amd64": [keep, leaf],
        "arm64": [keep, leaf],
        "i386": [],
        "s390x": [keep],
    }.items():
        asserts.equals(env, expected, CATALOG["platforms"][platform]["compile"]["frame_pointers"])
    return unittest.end(env)

def _jit_clang_test_impl(ctx):
    env = unittest.begin(ctx)
    for minor, free_threaded, platform, expected in [
        ("3.14", False, "amd64", "19"),
        ("3.14", False, "arm64", "19"),
        ("3.14", False, "i386", None),
        ("3.14", True, "amd64", None),
        ("3.13", False, "amd64", None),
    ]:
        facts = {"free_threaded": free_threaded, "minor": minor}
        asserts.equals(env, expected, jit_clang(facts, CATALOG["platforms"][platform]))
    return unittest.end(env)

def _build_pythons_test_impl(ctx):
    env = unittest.begin(ctx)
    tools = {"free_threaded": False, "minor": TOOLS_PYTHON}
    asserts.equals(env, ["python"], build_pythons(tools))
    asserts.equals(env, ["python", "build_sysroot"], build_pythons(tools, lean = True))
    for others in [{"free_threaded": True, "minor": TOOLS_PYTHON}, {"free_threaded": False, "minor": "3.99"}]:
        asserts.equals(env, ["build_sysroot"], build_pythons(others))

    # The interpreter of the tools is named as what it is for the image, and for its CPython.
    named = {
        label.name: roles
        for label, roles in build_tools(TOOLS_SUITE, "amd64", "amd64", False, build_pythons(tools)).items()
    }
    asserts.equals(env, "tool={0} build-machine={0}".format(TOOLS_SUITE), named["python.json"])
    asserts.false(env, "build_sysroot.json" in named)
    return unittest.end(env)

archive_urls_test = unittest.make(_archive_urls_test_impl)
gcc_version_test = unittest.make(_gcc_version_test_impl)
build_flags_test = unittest.make(_build_flags_test_impl)
frame_pointers_test = unittest.make(_frame_pointers_test_impl)
jit_clang_test = unittest.make(_jit_clang_test_impl)
build_pythons_test = unittest.make(_build_pythons_test_impl)

def cpython_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite of all of them.
    """
    unittest.suite(
        name,
        archive_urls_test,
        gcc_version_test,
        build_flags_test,
        frame_pointers_test,
        jit_clang_test,
        build_pythons_test,
    )
