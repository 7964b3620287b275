"""Tests of images/family.bzl, at analysis: nothing is built."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@catalog//:catalog.bzl", "CATALOG")

_LayersInfo = provider(
    doc = "What an image is made of.",
    fields = {"labels": "list of strings: the labels of its layers, lowest first"},
)

def _layers_aspect_impl(_target, ctx):
    return [_LayersInfo(labels = [str(layer.label) for layer in getattr(ctx.rule.attr, "tars", [])])]

_layers_aspect = aspect(
    implementation = _layers_aspect_impl,
    doc = "Reads an oci_image's layers.",
)

def _same_layers_test_impl(ctx):
    env = analysistest.begin(ctx)
    ours = analysistest.target_under_test(env)[_LayersInfo].labels
    asserts.true(env, len(ours) > 1, "the image has no layers")
    asserts.equals(env, ctx.attr.other[_LayersInfo].labels, ours)
    return analysistest.end(env)

# Since layers are the same targets, CPython is compiled and stripped once for both families.
_same_layers_test = analysistest.make(
    _same_layers_test_impl,
    attrs = {"other": attr.label(mandatory = True, aspects = [_layers_aspect])},
    extra_target_under_test_aspects = [_layers_aspect],
)

def _unlocked_test_impl(ctx):
    env = analysistest.begin(ctx)
    for text in ctx.attr.says:
        asserts.expect_failure(env, text)
    return analysistest.end(env)

_unlocked_test = analysistest.make(
    _unlocked_test_impl,
    attrs = {"says": attr.string_list(mandatory = True)},
    expect_failure = True,
)

def families_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the test suite.
    """
    family = CATALOG["families"]["infra7"]
    built = family["images"][0]
    _same_layers_test(
        name = "same_layers_test",
        other = "//images:{}-slim-{}_amd64".format(built["version"], built["suite"]),
        target_under_test = "//images/infra7:{}_x86".format(built["name"]),
    )
    missing = [entry for entry in family["missing"] if entry["suite"] == "noble"][0]
    for platform in ["", "_arm64"]:
        _unlocked_test(
            name = "unlocked{}_test".format(platform),
            says = [
                "no packages of noble are locked for " + (platform.removeprefix("_") or "amd64, arm64"),
                "./bazelw run //tools:lock -- noble --mirror=URL --ports-mirror=URL",
                "docs/ubuntu.md",
            ],
            target_under_test = "//images/infra7:" + missing["name"] + platform,
        )
    native.test_suite(
        name = name,
        tests = [
            "same_layers_test",
            "unlocked_test",
            "unlocked_arm64_test",
        ],
    )
