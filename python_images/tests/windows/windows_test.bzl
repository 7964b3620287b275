"""Tests of what is Windows' in all folders, and of indexes of such images."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//python_images/private/cpython:windows_layer.bzl", "windows_python_layer")
load("//python_images/private/images:windows.bzl", "joint_tags")
load("//python_images/private/oci:layer_blob.bzl", "layer_blob")
load("//python_images/private/oci:oci_image_index.bzl", "oci_image_index")
load("//python_images/private/oci:windows_image.bzl", "windows_image")
load("//python_images/private/roots/windows:base.bzl", "windows_base")

def _joint_tags_test_impl(ctx):
    env = unittest.begin(ctx)
    windows = {
        "joints": [
            {"images": ["a", "b"], "linux": "", "tags": ["3.14-windowsservercore"]},
            {"images": ["a", "b"], "linux": "3.14.7-trixie", "tags": ["3.14.7", "3.14"]},
        ],
        "releases": ["ltsc2025", "ltsc2022"],
    }

    # Part of Windows is not Windows: the tags stay Linux' own.
    asserts.equals(env, {}, joint_tags(windows, []))
    asserts.equals(env, {}, joint_tags(windows, ["ltsc2025"]))
    asserts.equals(
        env,
        {"3.14.7-trixie": ["3.14.7", "3.14"]},
        joint_tags(windows, ["ltsc2022", "ltsc2025"]),
    )
    asserts.equals(env, {}, joint_tags({"joints": [], "releases": []}, []))
    return unittest.end(env)

joint_tags_test = unittest.make(_joint_tags_test_impl)

def _unlocked_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, "Windows Server Core ltsc2025 is not locked")
    asserts.expect_failure(env, "./bazelw run //tools:lock -- ltsc2025 --registry=HOST")
    return analysistest.end(env)

unlocked_test = analysistest.make(_unlocked_test_impl, expect_failure = True)

def _files(target, group):
    return [file.basename for file in getattr(target[OutputGroupInfo], group).to_list()]

def _inputs(action):
    return [file.basename for file in action.inputs.to_list()]

def _one(env, mnemonic):
    found = [action for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]
    asserts.equals(env, 1, len(found))
    return found[0]

def _image_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["image"], [file.basename for file in target[DefaultInfo].files.to_list()])
    asserts.equals(env, ["image.json.sha256"], _files(target, "digest"))
    asserts.equals(env, ["image.outline"], _files(target, "oci_outline"))
    whole = _inputs(_one(env, "WindowsImage"))
    asserts.true(env, "ltsc2025.lock" in whole)
    asserts.true(env, "python.blob.tar.gz" in whole)

    # An outline must not wait for the layer's bytes.
    outline = _inputs(_one(env, "OCIOutline"))
    asserts.false(env, "python.blob.tar.gz" in outline)
    asserts.true(env, "python.blob.descriptor.json" in outline)
    return analysistest.end(env)

image_test = analysistest.make(_image_test_impl)

def _layer_test_impl(ctx):
    env = analysistest.begin(ctx)
    argv = _one(env, "WindowsPythonLayer").argv
    for option, value in {"--epoch": "7", "--leave-out": "Doc", "--version": "3.14.7"}.items():
        asserts.equals(env, value, argv[argv.index(option) + 1])
    return analysistest.end(env)

layer_test = analysistest.make(_layer_test_impl)

def _index_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["index.outline"], _files(target, "oci_outline"))
    asserts.true(env, "image.outline" in _inputs(_one(env, "OCIOutline")))
    asserts.true(env, "image" in _inputs(_one(env, "OCIIndex")))
    return analysistest.end(env)

index_test = analysistest.make(_index_test_impl)

def _targets():
    """What the tests look at; none of it is ever built."""
    for file in ["ltsc2025.lock", "python.zip"]:
        write_file(
            name = file + "_file",
            out = file,
            tags = ["manual"],
        )
    windows_base(
        name = "unlocked",
        release = "ltsc2025",
        tags = ["manual"],
    )
    windows_base(
        name = "base",
        lock = "ltsc2025.lock",
        release = "ltsc2025",
        tags = ["manual"],
    )
    windows_python_layer(
        name = "python",
        archive = "python.zip",
        epoch = 7,
        leave_out = ["Doc"],
        tags = ["manual"],
        version = "3.14.7",
    )
    layer_blob(
        name = "python.blob",
        tags = ["manual"],
        tar = "python",
    )
    windows_image(
        name = "image",
        base = "base",
        created = "2026-08-05T00:00:00Z",
        layers = ["python.blob"],
        tags = ["manual"],
    )
    oci_image_index(
        name = "index",
        images = ["image"],
        tags = ["manual"],
    )

def windows_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite of all.
    """
    _targets()
    tests = {
        "image_test": (image_test, "image"),
        "index_test": (index_test, "index"),
        "layer_test": (layer_test, "python"),
        "unlocked_test": (unlocked_test, "unlocked"),
    }
    for test, (rule, target) in tests.items():
        rule(
            name = test,
            target_under_test = target,
        )
    joint_tags_test(name = "joint_tags_test")
    native.test_suite(
        name = name,
        tests = tests.keys() + ["joint_tags_test"],
    )
