"""Tests of roots/layer.bzl, at analysis: every kind of root gives a RootInfo, image_sbom takes any."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//python_images/private/attestations:sbom.bzl", "image_sbom")
load("//python_images/private/roots:layer.bzl", "RootInfo")
load("//python_images/private/roots/alpine:layer.bzl", "alpine_layer")
load("//python_images/private/roots/debian:layer.bzl", "debian_layer")
load("//python_images/private/roots/windows:base.bzl", "windows_base")

_SUFFIXES = {"alpine": ".apk", "debian": ".deb"}

def _name(file):
    return file.basename if file else ""

def _group(target, name):
    return [file.basename for file in getattr(target[OutputGroupInfo], name).to_list()]

def _root_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    root = target[RootInfo]
    asserts.equals(env, ctx.attr.release, root.release)
    asserts.equals(env, ctx.attr.packages, [file.basename for file in root.packages])
    asserts.equals(env, ctx.attr.by_need, root.by_need)
    if ctx.attr.computed:
        stem = target.label.name
        asserts.equals(env, stem + ".tar", _name(root.tar))
        asserts.equals(env, stem + ".installed.json", _name(root.installed))
        asserts.equals(env, stem + ".listing.txt", _name(root.listing))
        asserts.equals(env, [root.tar], target[DefaultInfo].files.to_list())
        asserts.equals(env, [_name(root.installed)], _group(target, "installed"))
        asserts.equals(env, [_name(root.listing)], _group(target, "listing"))
    else:
        asserts.equals(env, (None, None, None), (root.tar, root.installed, root.listing))
    return analysistest.end(env)

_root_test = analysistest.make(
    _root_test_impl,
    attrs = {
        "by_need": attr.bool(),
        "computed": attr.bool(default = True),
        "packages": attr.string_list(),
        "release": attr.string(mandatory = True),
    },
)

def _action(env, mnemonic):
    """The one action of the tested target with this mnemonic."""
    found = [action for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]
    asserts.equals(env, 1, len(found))
    return found[0]

def _inputs_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = _action(env, ctx.attr.mnemonic)
    names = [file.basename for file in action.inputs.to_list()]
    for name in ctx.attr.inputs:
        asserts.true(env, name in names, "{} is no input".format(name))
    spec = json.decode(_action(env, "FileWrite").content)

    # Packages decide, and nothing that isn't in the layer, such as the lock's time.
    asserts.equals(env, ctx.attr.epoch or None, spec["epoch"])
    asserts.equals(env, ctx.attr.selects, bool(spec["select"]))
    asserts.equals(env, not ctx.attr.selects, bool(spec["add"]))
    return analysistest.end(env)

_inputs_test = analysistest.make(
    _inputs_test_impl,
    attrs = {
        "epoch": attr.int(),
        "inputs": attr.string_list(mandatory = True),
        "mnemonic": attr.string(mandatory = True),
        "selects": attr.bool(),
    },
)

def _sbom_test_impl(ctx):
    env = analysistest.begin(ctx)
    argv = _action(env, "ImageSbom").argv
    locked = [
        argv[index + 1].rpartition("/")[2]
        for index, word in enumerate(argv)
        if word == "--locked"
    ]
    asserts.equals(env, ctx.attr.packages, locked)
    facts = json.decode(_action(env, "FileWrite").content)
    asserts.equals(env, ctx.attr.suite, facts["suite"])
    return analysistest.end(env)

_sbom_test = analysistest.make(
    _sbom_test_impl,
    attrs = {
        "packages": attr.string_list(),
        "suite": attr.string(mandatory = True),
    },
)

def _fails_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.says)
    return analysistest.end(env)

_fails_test = analysistest.make(
    _fails_test_impl,
    attrs = {"says": attr.string(mandatory = True)},
    expect_failure = True,
)

def _layer(kind, name, set, **kwargs):
    if kind == "alpine":
        alpine_layer(
            name = name,
            apks = set + ".apk",
            arch = "x86_64",
            packages = set + ".json",
            release = "alpine3.24",
            repositories = ["https://mirror.test/alpine/v3.24/main"],
            tags = ["manual"],
            **kwargs
        )
    else:
        debian_layer(
            name = name,
            arch = "amd64",
            debs = set + ".deb",
            packages = set + ".json",
            suite = "trixie",
            tags = ["manual"],
            **kwargs
        )

def _targets():
    """What the tests look at; none of it is ever built."""
    files = ["cpython.tar", "image", "ltsc2025.lock"]
    for set in ["base", "more", "sysroot"]:
        files += [set + suffix for suffix in [".json"] + _SUFFIXES.values()]
    for file in files:
        write_file(
            name = file + "_file",
            out = file,
            tags = ["manual"],
        )
    for kind in _SUFFIXES:
        _layer(kind, kind + "_base", "base")
        _layer(kind, kind + "_more", "more", below = kind + "_base")
        _layer(kind, kind + "_runtime", "sysroot", below = kind + "_more", needed_by = "cpython.tar")
        _layer(kind, kind + "_above", "more", below = kind + "_runtime")
        _layer(kind, kind + "_given", "base", epoch = 7)
    windows_base(
        name = "windows",
        lock = "ltsc2025.lock",
        release = "ltsc2025",
        tags = ["manual"],
    )
    for root in ["alpine_runtime", "debian_runtime", "windows"]:
        image_sbom(
            name = root + ".sbom",
            image = "image",
            root = root,
            tags = ["manual"],
            title = "python",
        )
    image_sbom(
        name = "own.sbom",
        image = "image",
        packages = ["more.json"],
        root = "debian_base",
        suite = "mine",
        tags = ["manual"],
        title = "python",
    )
    image_sbom(
        name = "rootless.sbom",
        image = "image",
        tags = ["manual"],
        title = "python",
    )

def roots_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite of all.
    """
    _targets()
    releases = {"alpine": "alpine3.24", "debian": "trixie"}
    sets = {
        "base": ["base.json"],
        "more": ["base.json", "more.json"],
        "runtime": ["base.json", "more.json", "sysroot.json"],
    }
    tests = []
    for kind, release in releases.items():
        for layer, packages in sets.items():
            target = "{}_{}".format(kind, layer)
            tests.append(target + "_test")
            _root_test(
                name = target + "_test",
                by_need = layer == "runtime",
                packages = packages,
                release = release,
                target_under_test = target,
            )
        _inputs_test(
            name = kind + "_inputs_test",
            inputs = ["more" + _SUFFIXES[kind], "more.json"],
            mnemonic = kind.capitalize() + "Layer",
            target_under_test = kind + "_more",
        )
        _inputs_test(
            name = kind + "_needed_test",
            inputs = ["cpython.tar", "sysroot" + _SUFFIXES[kind], "sysroot.json"],
            mnemonic = kind.capitalize() + "Layer",
            selects = True,
            target_under_test = kind + "_runtime",
        )
        _inputs_test(
            name = kind + "_given_test",
            epoch = 7,
            inputs = ["base.json"],
            mnemonic = kind.capitalize() + "Layer",
            target_under_test = kind + "_given",
        )
        _fails_test(
            name = kind + "_above_test",
            says = "//python_images/tests/roots:{}_runtime, whose packages are chosen by need".format(kind),
            target_under_test = kind + "_above",
        )
        _sbom_test(
            name = kind + "_sbom_test",
            packages = sets["runtime"],
            suite = release,
            target_under_test = kind + "_runtime.sbom",
        )
        tests += [kind + "_" + test for test in ["above_test", "given_test", "inputs_test", "needed_test", "sbom_test"]]
    _root_test(
        name = "windows_test",
        computed = False,
        release = "ltsc2025",
        target_under_test = "windows",
    )
    _sbom_test(
        name = "windows_sbom_test",
        suite = "ltsc2025",
        target_under_test = "windows.sbom",
    )
    _sbom_test(
        name = "own_sbom_test",
        packages = ["base.json", "more.json"],
        suite = "mine",
        target_under_test = "own.sbom",
    )
    _fails_test(
        name = "rootless_test",
        says = "rootless.sbom: give root, the uppermost layer of packages, or suite",
        target_under_test = "rootless.sbom",
    )
    native.test_suite(
        name = name,
        tests = tests + ["own_sbom_test", "rootless_test", "windows_sbom_test", "windows_test"],
    )
