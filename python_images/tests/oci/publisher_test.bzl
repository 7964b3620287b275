"""Tests of private/oci/publisher.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//python_images/private/oci:publisher.bzl", "publisher_annotations", "publisher_fault")

_NOTHING = {name: "" for name in ("bases", "licenses", "revision", "source", "vendor")}
_KEY = "org.opencontainers.image."
_KNOWN = {
    _KEY + "revision": "v3.14.0",
    _KEY + "source": "https://example.org/cpython",
    _KEY + "title": "python",
}

# buildifier: disable=attr-licenses
def _annotations_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, _KNOWN, publisher_annotations(_KNOWN, _NOTHING, "debian:trixie-slim"))

    # The commit alone is provenance's: the source is still CPython's.
    asserts.equals(env, _KNOWN, publisher_annotations(_KNOWN, _NOTHING | {"revision": "abc"}))
    mine = {"source": "https://example.org/me/images"}
    found = publisher_annotations(_KNOWN, _NOTHING | mine)
    asserts.equals(env, {_KEY + "source": mine["source"], _KEY + "title": "python"}, found)
    found = publisher_annotations(_KNOWN, _NOTHING | mine | {
        "bases": "registry.example.org/me",
        "licenses": "PSF-2.0 AND GPL-3.0-or-later",
        "revision": "abc",
        "vendor": "Me",
    }, "debian:trixie-slim")
    asserts.equals(env, {
        _KEY + "base.name": "registry.example.org/me/debian:trixie-slim",
        _KEY + "licenses": "PSF-2.0 AND GPL-3.0-or-later",
        _KEY + "revision": "abc",
        _KEY + "source": "https://example.org/me/images",
        _KEY + "title": "python",
        _KEY + "vendor": "Me",
    }, found)
    asserts.equals(env, sorted(found), list(found))

    # What lies on no image has no name of one.
    found = publisher_annotations(_KNOWN, _NOTHING | {"bases": "registry.example.org/me"})
    asserts.equals(env, _KNOWN, found)
    return unittest.end(env)

def _fault_test_impl(ctx):
    env = unittest.begin(ctx)
    for settings in [
        {},
        {"bases": "localhost/x"},
        {"bases": "registry:5000/a/b"},
        {"source": "https://example.org/x"},
    ]:
        asserts.equals(env, None, publisher_fault(_NOTHING | settings))
    for settings, said in [
        ({"bases": "library"}, "--//python_images:bases=library is no HOST/PATH"),
        ({"bases": "me/images"}, "--//python_images:bases=me/images is no HOST/PATH"),
        ({"bases": "example.org/"}, "is no HOST/PATH"),
        ({"source": "example.org/x"}, "--//python_images:source=example.org/x is no URL"),
        ({"vendor": "a\nb"}, "--//python_images:vendor=\"a\\nb\" has a control character"),
    ]:
        fault = publisher_fault(_NOTHING | settings)
        asserts.true(env, fault and said in fault, fault)
    return unittest.end(env)

_annotations_test = unittest.make(_annotations_test_impl)
_fault_test = unittest.make(_fault_test_impl)

def publisher_test_suite(name):
    """Declares the tests.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _annotations_test, _fault_test)
