"""Tests of what wheels are chosen for: images of the catalog, layers of one image."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//python_images/private/wheels:extension.bzl", "known_bases", "libc_in_lock")
load("//python_images/private/wheels:layer.bzl", "wheel_layer")
load("//python_images/private/wheels:locked.bzl", "lock_path", "minor_of", "wheel_targets")
load("//python_images/private/wheels:wheel_set.bzl", "wheel_set")

_CATALOG = {
    "alpine": {
        "images": [{"release": "alpine3.1", "tags": ["1.2-alpine"], "version": "1.2.3"}],
        "releases": {"alpine3.1": {"platforms": {"arm64": "aarch64"}}},
    },
    "families": {
        "acme": {
            "images": [{"suite": "potato", "tags": ["1.2-acme"], "version": "1.2.3"}],
            "missing": [{"suite": "warty", "tags": ["1.2-warty"], "version": "1.2.3t"}],
        },
    },
    "images": [{"suite": "potato", "tags": ["1.2.3-slim", "slim"], "version": "1.2.3"}],
    "platforms": {"amd64": {"debian": "amd64"}, "armv7": {"debian": "armhf"}},
    "suites": {"potato": {"platforms": ["amd64", "armv7"]}},
    "ubuntu": {"suites": {"warty": {"platforms": ["amd64"]}}},
}

def _bases_test_impl(ctx):
    env = unittest.begin(ctx)
    found = known_bases(_CATALOG)
    asserts.equals(env, {
        "1.2-acme": ["1.2.3", "potato"],
        "1.2-alpine": ["1.2.3", "alpine3.1"],
        "1.2-warty": ["1.2.3t", "warty"],
        "1.2.3-slim": ["1.2.3", "potato"],
        "slim": ["1.2.3", "potato"],
    }, found.images)
    asserts.equals(env, {
        "alpine3.1": {"arm64": "alpine/alpine3.1_aarch64.lock"},
        "potato": {
            "amd64": "debian/potato_amd64.lock",
            "armv7": "debian/potato_armhf.lock",
        },
        "warty": {"amd64": "ubuntu/warty_amd64.lock"},
    }, found.suites)
    return unittest.end(env)

_bases_test = unittest.make(_bases_test_impl)

def _words_test_impl(ctx):
    env = unittest.begin(ctx)
    for text, libc in [
        ("suite trixie\nlibc6 2.41-12+deb13u5 amd64 pool/x\n", "glibc 2.41"),
        ("libc6-dev 2.41-12 amd64 pool/x\nlibc6 2.36-9 amd64 pool/x\n", "glibc 2.36"),
        ("libc6 2.39-0ubuntu8.6 amd64 pool/x\n", "glibc 2.39"),
        ("musl 1.2.5-r10 x\n", "musl 1.2"),
        ("musl-utils 1.2.5-r10 x\n", ""),
    ]:
        asserts.equals(env, libc, libc_in_lock(text))
    for python, minor in [("3.14.1t", "3.14t"), ("3.13.5", "3.13"), ("3.13", "3.13"), ("3.14t", "3.14t")]:
        asserts.equals(env, minor, minor_of(python))
    asserts.equals(env, "a/b/x.txt", lock_path(Label("//a:b/x.txt")))
    asserts.equals(env, "x.txt", lock_path(Label("//:x.txt")))
    asserts.true(env, 'name = "a-b"' in wheel_targets(["A.b-1-py3-none-any.whl"]))
    return unittest.end(env)

_words_test = unittest.make(_words_test_impl)

def _layer_test_impl(ctx):
    env = analysistest.begin(ctx)
    (action,) = [a for a in analysistest.target_actions(env) if a.mnemonic == "WheelLayer"]
    said = [word for word in action.argv if word in ("3.13", "arm64", "glibc 2.41")]
    asserts.equals(env, ["3.13", "arm64", "glibc 2.41"], said)
    return analysistest.end(env)

_layer_test = analysistest.make(_layer_test_impl)

def _refused_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.why)
    return analysistest.end(env)

_refused_test = analysistest.make(
    _refused_test_impl,
    attrs = {"why": attr.string()},
    expect_failure = True,
)

def _set(name, platform, python):
    wheel_set(
        name = name,
        libc = "glibc 2.41",
        lock = "requirements.txt",
        platform = platform,
        python = python,
        tags = ["manual"],
    )

def wheels_test_suite(name):
    """Declares the tests and what they look at.

    Args:
      name: name of the suite.
    """
    _set("arm64_set", "arm64", "3.13")
    _set("amd64_set", "amd64", "3.13")
    _set("newer_set", "arm64", "3.14")
    tests = ["bases_test", "words_test", "layer_test", "like_test"]
    _bases_test(name = "bases_test")
    _words_test(name = "words_test")
    for test, wheels, like in [("layer_test", [":arm64_set"], None), ("like_test", [":words"], ":arm64_set")]:
        wheel_layer(
            name = test + "_layer",
            like = like,
            tags = ["manual"],
            wheels = wheels,
        )
        _layer_test(
            name = test,
            target_under_test = test + "_layer",
        )
    for test, wheels, python, why in [
        ("no_python", [":words"], "", "the image's minor version is wanted"),
        ("other_python", [":newer_set"], "3.13", "the image has Python 3.13, and the wheels of requirements.txt are for 3.14"),
        ("other_platform", [":arm64_set", ":amd64_set"], "", "wheels for arm64 with glibc 2.41 and for amd64 with"),
        ("no_wheel", ["image_test.yaml"], "3.13", "no file that ends in .whl"),
    ]:
        wheel_layer(
            name = test + "_layer",
            python = python,
            tags = ["manual"],
            wheels = wheels,
        )
        _refused_test(
            name = test + "_test",
            target_under_test = test + "_layer",
            why = why,
        )
        tests.append(test + "_test")
    native.test_suite(
        name = name,
        tests = tests,
    )
