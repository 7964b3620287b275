"""image_push: pushes an image of which blobs may be missing, such as one on Windows.

Not rules_oci's oci_push: that one needs every blob.
"""

load("//toolchains/python:rules.bzl", "py_binary")
load(":image_run.bzl", "image_files")

_MAIN = Label("//tools/oci/registry:push.py")
_LIBRARY = Label("//tools/oci/registry")

def image_push(name, image):
    """A program that pushes: `bazel run <name> -- --repository HOST/PATH --tag TAG`.

    Args:
      name: name of the program.
      image: an image or index of which blobs may be missing, being in the registry.
    """
    image_files(
        name = name + ".image",
        image = image,
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    py_binary(
        name = name,
        srcs = [_MAIN],
        args = ["--image=$(rootpath %s.image)" % name],
        data = [name + ".image"],
        main = _MAIN,
        tags = ["manual"],
        deps = [_LIBRARY],
    )
