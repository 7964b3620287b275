"""Tests of private/oci/platforms.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images/private/images:names.bzl", "oci_platform")
load("//python_images/private/oci:platforms.bzl", "what_is_wrong_with_oci_platform", "what_is_wrong_with_platform")

def _names_test_impl(ctx):
    env = unittest.begin(ctx)
    for platform, about in CATALOG["platforms"].items():
        asserts.equals(env, None, what_is_wrong_with_platform(platform))
        asserts.equals(env, None, what_is_wrong_with_oci_platform(oci_platform(about), platform))
    for name in ["linux/loong64", "windows/amd64", "linux/arm64", "linux/arm64/v8"]:
        asserts.equals(env, None, what_is_wrong_with_oci_platform(name))
    for name, said in {"": "", "amd46": "amd64?", "arm46": "arm64?", "arm64_": "arm64?"}.items():
        problem = what_is_wrong_with_platform(name)
        asserts.true(env, problem and "did you mean " + said in problem and "s390x" in problem, problem)
    for name, said in {
        "amd64": "no platform of OCI's; did you mean linux/amd64?",
        "linux": "no platform of OCI's",
        "linux/amd46": "did you mean linux/amd64?",
        "linux/amd64/v2/x": "no platform of OCI's",
        "linux/arm/v9": "variants of arm are v5, v6, v7, v8",
        "linux/s390x/z": "variants of s390x are none",
        "lunix/arm64": "did you mean linux/arm64?",
    }.items():
        problem = what_is_wrong_with_oci_platform(name)
        asserts.true(env, problem and said in problem, problem)
    for name, platform in {"linux/amd64": "arm64", "linux/arm/v6": "armv7", "linux/arm64": "armv7"}.items():
        problem = what_is_wrong_with_oci_platform(name, platform)
        asserts.true(env, problem and "isn't {}, which is linux/arm".format(platform) in problem, problem)
    return unittest.end(env)

_names_test = unittest.make(_names_test_impl)

def platforms_test_suite(name):
    """Declares the tests.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _names_test)
