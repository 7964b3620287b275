"""Tests of private/oci/settings.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//python_images/private/oci:settings.bzl", "pair_fault")

def _pair_fault_test_impl(ctx):
    env = unittest.begin(ctx)
    for key, value in [("A", ""), ("A", "b=c"), ("A", "tab\there"), ("org.example.Größe", "ß")]:
        asserts.equals(env, None, pair_fault(key, value))

    # One variable must not become two.
    for key, value, said in [
        ("A", "b\nLD_PRELOAD=/x", "\"A\"=\"b\\nLD_PRELOAD=/x\" has the control character"),
        ("A\nB", "c", "has the control character"),
        ("A", "b\r", "has the control character"),
        ("A=B", "c", "\"A=B\" is no name of a setting"),
        ("", "c", "\"\" is no name of a setting"),
    ]:
        fault = pair_fault(key, value)
        asserts.true(env, fault and said in fault, fault)
    return unittest.end(env)

_pair_fault_test = unittest.make(_pair_fault_test_impl)

def settings_test_suite(name):
    """Declares the tests.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _pair_fault_test)
