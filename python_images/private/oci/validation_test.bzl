"""image_validation_test: an image layout is valid, by our own validator."""

load("//toolchains/python:rules.bzl", "py_test")
load(":image_run.bzl", "image_files")
load(":platforms.bzl", "check_platforms")

_MAIN = Label("//tools/oci:validate.py")
_LIBRARY = Label("//tools/oci:validator")

def image_validation_test(name, image, platforms, **kwargs):
    """Checks that an image (or image index) is a strictly valid OCI layout.

    Args:
      name: name of the test.
      image: an `image` or `image_index` target.
      platforms: what it has to hold, as os/architecture or os/architecture/variant.
      **kwargs: further attributes of py_test.
    """
    check_platforms(
        "//{}:{}: image_validation_test".format(native.package_name(), name),
        {"platforms": platforms},
    )
    image_files(
        name = name + ".image",
        image = image,
        tags = ["manual"],
        testonly = True,
        visibility = ["//visibility:private"],
    )
    py_test(
        name = name,
        size = "medium",
        # It reads and hashes all: a gigabyte for an image with compilers, eight for its index.
        timeout = "long",
        srcs = [_MAIN],
        args = ["$(rootpath %s.image)" % name] + ["--platform=" + platform for platform in platforms],
        data = [name + ".image"],
        main = _MAIN,
        deps = [_LIBRARY],
        **kwargs
    )
