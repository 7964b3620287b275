"""Tests, at analysis, of what an image's layers are made from: not from what only the build uses."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//python_images/private/roots:layer.bzl", "RootInfo")
load("//python_images/private/roots/debian:packages.bzl", "BUILD", "set_repo_name")
load("//python_images/private/roots/debian:roots.bzl", "layer_name")

# In the name of the repository of each set of a build lock, see set_repo_name.
_OF_BUILD_LOCKS = set_repo_name(BUILD.removesuffix("/"), "")

# The one set of them that layers with databases and byte code are computed by.
_PROGRAMS = "_rootfs_tools"

def _layer_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    (action,) = [a for a in analysistest.target_actions(env) if a.mnemonic == "DebianLayer"]
    repos = {file.owner.repo_name: None for file in action.inputs.to_list()}
    build = [repo for repo in repos if _OF_BUILD_LOCKS in repo]
    asserts.true(env, [repo for repo in repos if "debian_{}".format(ctx.attr.suite) in repo])
    for repo in build:
        asserts.true(env, repo.endswith(_PROGRAMS), "{} reads {}".format(target.label, repo))
    asserts.equals(env, ctx.attr.programs, bool(build))

    # What a bill of materials says is in the image.
    for file in target[RootInfo].packages:
        asserts.false(env, _OF_BUILD_LOCKS in file.owner.repo_name, str(file.owner))
    return analysistest.end(env)

_layer_test = analysistest.make(_layer_test_impl, attrs = {
    "programs": attr.bool(),
    "suite": attr.string(),
})

def build_locks_test_suite(name, catalog):
    """Declares the tests, for all layers of packages in the images of the default suite's first platform.

    Args:
      name: name of the suite.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    suite = catalog["default_suite"]
    platform = catalog["suites"][suite]["platforms"][0]
    release = catalog["newest"][catalog["roles"]["minor"]]
    programs = {}
    for variant in catalog["variants"].values():
        if suite not in variant["suites"] or variant["hardened"]:
            continue
        full = variant["root"] == "debian"
        for set in variant["layers"]:
            programs["//python_images/rootfs:" + layer_name(suite, platform, variant, set)] = full
        programs["//python_images/cpython:{}_{}_{}.{}runtime".format(
            release,
            suite,
            platform,
            "debian_" if full else "",
        )] = full
    tests = []
    for label, full in programs.items():
        tests.append("{}_{}_test".format(name, label.rpartition(":")[2]))
        _layer_test(
            name = tests[-1],
            programs = full,
            suite = suite,
            target_under_test = label,
        )
    native.test_suite(
        name = name,
        tests = tests,
    )
