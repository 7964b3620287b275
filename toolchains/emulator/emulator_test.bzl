"""Tests of emulator.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("@catalog//:catalog.bzl", "CATALOG")
load(":emulator.bzl", "EMULATORS", "emulator_for", "what_is_wrong_with")

def _platforms_test_impl(ctx):
    env = unittest.begin(ctx)
    for platform in CATALOG["platforms"]:
        asserts.equals(env, None, what_is_wrong_with(platform))
        asserts.equals(env, platform in EMULATORS, bool(emulator_for(platform)))
    asserts.false(env, "amd64" in EMULATORS)
    asserts.equals(env, "aarch64", EMULATORS["arm64"])
    for platform in ["amd46", "", "arm64_"]:
        problem = what_is_wrong_with(platform)
        asserts.true(env, problem and problem.startswith("no platform " + repr(platform) + " is known"))
    return unittest.end(env)

_platforms_test = unittest.make(_platforms_test_impl)

def emulator_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the test suite.
    """
    unittest.suite(name, _platforms_test)
