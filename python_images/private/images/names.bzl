"""What images of all kinds have in common as targets: names, and the tests of indexes."""

load("//python_images/private/oci:image.bzl", "image_annotations")
load("//python_images/private/oci:validation_test.bzl", "image_validation_test")

# Where CPython's source has a tag for each release; code hosts and those who look for release notes
# read it.
_CPYTHON = "https://github.com/python/cpython"

# The companion targets of an image and of an index, on Debian or Alpine, besides their tests.
COMPANIONS = ["digest", "load", "push", "run", "shell", "tar"]

def cpython_annotations(release, version):
    """An image's annotations where its publisher says no more (oci/publisher.bzl).

    No licence: an image has hundreds of packages under theirs, and its bill of materials lists them.
    No name of a base image: it is this repository's, which is published where nobody but its publisher
    knows.

    Args:
      release: CPython's release, as its tags have it.
      version: version of the image.

    Returns:
      a dict.
    """
    return image_annotations(
        revision = "v" + release,
        source = _CPYTHON,
        title = "python",
        version = version,
    )

def package_of(label):
    """A package of this repository, as every repository calls it.

    Args:
      label: a Label in it.

    Returns:
      a string to which ":" and a name are added.
    """
    return str(label).rpartition(":")[0]

def image_alias(name, actual, companions, test):
    """Declares another name of an image or index and of its companion targets.

    Args:
      name: the other name.
      actual: the image or index.
      companions: its companion targets besides its test, such as digest for `<name>.digest`.
      test: whether `<actual>.test` is one. `<name>.test` is a suite then, since `bazel test`
        follows no alias.
    """
    for suffix in [""] + ["." + companion for companion in companions]:
        native.alias(
            name = name + suffix,
            actual = actual + suffix,
            tags = ["manual"],
        )
    if test:
        native.test_suite(
            name = name + ".test",
            tags = ["manual"],
            tests = [actual + ".test"],
        )
    else:
        native.alias(
            name = name + ".test",
            actual = actual + ".test",
            tags = ["manual"],
        )

def image_name(tag, platform):
    """Name of the image of one platform.

    Args:
      tag: one of its tags, or the name of its index.
      platform: a name of the platform.

    Returns:
      a string.
    """
    return "{}_{}".format(tag, platform)

def known_as(platform, about):
    """All names of a platform.

    Args:
      platform: its name.
      about: its row of `platforms` of the catalog.

    Returns:
      list of strings, `platform` first.
    """
    return [platform] + [alias for alias in about["aliases"] if alias != platform]

def oci_platform(about):
    """A platform as OCI and the validation test name it.

    Args:
      about: its row of `platforms` of the catalog.

    Returns:
      a string, os/architecture[/variant].
    """
    return "/".join([part for part in [about["os"], about["architecture"], about["variant"]] if part])

def index_test(name, images, catalog):
    """Declares `<name>.test` of an index: what all its images have to pass, and that it lists them.

    Args:
      name: the index.
      images: dict: platform -> the target of its image.
      catalog: the catalog.
    """
    image_validation_test(
        name = name + ".validation",
        image = name,
        platforms = [oci_platform(catalog["platforms"][platform]) for platform in images],
        tags = ["manual"],
    )
    native.test_suite(
        name = name + ".test",
        tags = ["manual"],
        tests = [name + ".validation"] + [target + ".test" for target in images.values()],
    )
