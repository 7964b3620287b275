"""Tests of what the rules do with patches: all of it where there are some, nothing where not."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//python_images/private/attestations:info.bzl", "AttestationsInfo")
load("//python_images/private/attestations:sbom.bzl", "image_sbom", "patches_of")
load("//python_images/private/cpython:patched_source.bzl", "patched_source")

def _action(env, mnemonic):
    (action,) = [a for a in analysistest.target_actions(env) if a.mnemonic == mnemonic]
    return action

def _order_test_impl(ctx):
    env = analysistest.begin(ctx)
    words = [word for word in _action(env, "PatchCPython").argv if word.startswith("--patch=")]
    asserts.equals(
        env,
        ["--patch=patches/{}.patch=".format(name) for name in ("second", "first")],
        [word.rpartition("=")[0] + "=" for word in words],
    )
    asserts.true(env, words[0].endswith("/b.patch"))
    return analysistest.end(env)

_order_test = analysistest.make(_order_test_impl)

def _name_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, "give each patch a name")
    return analysistest.end(env)

_name_test = analysistest.make(_name_test_impl, expect_failure = True)

def _bill_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = _action(env, "ImageSbom")
    vex = analysistest.target_under_test(env)[AttestationsInfo].vex
    if ctx.attr.patched:
        asserts.equals(env, "json", vex.extension)
        asserts.true(env, vex in action.outputs.to_list())
        asserts.true(env, action.argv[action.argv.index("--patches") + 1].endswith("/patches.json"))
    else:
        # The same action as before there were patches.
        asserts.equals(env, None, vex)
        asserts.equals(env, 2, len(action.outputs.to_list()))
        for word in ("--patches", "--vex"):
            asserts.false(env, word in action.argv)
    return analysistest.end(env)

_bill_test = analysistest.make(_bill_test_impl, attrs = {"patched": attr.bool()})

def _patches_of_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, patches_of({"patches": [], "revised": "1.2.3"}))
    label = patches_of({"patches": [{"file": "patches/x.patch"}], "revised": "1.2.3-r1"})
    asserts.equals(env, "1.2.3-r1.patches", label.name)
    return unittest.end(env)

_patches_of_test = unittest.make(_patches_of_test_impl)

def patches_test_suite(name):
    """Declares the tests and what they look at.

    Args:
      name: name of the test suite.
    """
    native.genrule(
        name = name + "_files",
        testonly = True,
        outs = ["a.patch", "b.patch", "patches.json", name + ".tar.xz"],
        cmd = "touch $(OUTS)",
        tags = ["manual"],
    )
    for suffix, names in {"order": ["patches/second.patch", "patches/first.patch"], "name": []}.items():
        patched_source(
            name = "{}_{}_subject".format(name, suffix),
            testonly = True,
            names = names,
            patches = ["b.patch", "a.patch"],
            revised = "1.2.3-r1",
            source = name + ".tar.xz",
            tags = ["manual"],
        )
    native.filegroup(
        name = name + "_patches",
        testonly = True,
        srcs = ["a.patch", "patches.json"],
        tags = ["manual"],
    )
    for suffix, patches in {"patched": name + "_patches", "plain": None}.items():
        image_sbom(
            name = "{}_{}_subject.sbom".format(name, suffix),
            testonly = True,
            image = "//python_images/tests/tiny:amd64",
            patches = patches,
            suite = "a suite",
            tags = ["manual"],
            title = "tiny",
        )
        _bill_test(
            name = "{}_{}".format(name, suffix),
            patched = suffix == "patched",
            target_under_test = "{}_{}_subject.sbom".format(name, suffix),
        )
    _order_test(
        name = name + "_order",
        target_under_test = name + "_order_subject",
    )
    _name_test(
        name = name + "_name",
        target_under_test = name + "_name_subject",
    )
    _patches_of_test(name = name + "_patches_of")
    native.test_suite(
        name = name,
        tests = [
            "{}_{}".format(name, suffix)
            for suffix in ("name", "order", "patched", "patches_of", "plain")
        ],
    )
