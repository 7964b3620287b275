"""publish: one command that builds images and pushes them with all their tags."""

load(":selection.bzl", "choosing_program")

def publish(name, images, **kwargs):
    """A program that pushes images and indexes to one repository, blobs they share once.

    `bazel run <name> -- --repository HOST[:PORT]/PATH [--only PATTERN] [--platform PLATFORM]`

    It only builds the chosen images. What is built with flags of `bazel run` is the program
    alone: flags of the images are in a bazelrc, or given by `--build-flag`.

    Args:
      name: name of the program.
      images: dict of `image` and `image_index` targets to lists of tags.
      **kwargs: tags, visibility and other attributes every rule has.
    """
    choosing_program(
        name = name,
        images = images,
        tool = Label("//tools/oci/publishing:publish"),
        **kwargs
    )
