"""The structure tests of images of old releases."""

load("@old_catalog//:catalog.bzl", "CATALOG")
load("//images/structure:structure.bzl", "python_structure_test")

def old_structure_test(**kwargs):
    """The structure tests of one image of an old release.

    Args:
      **kwargs: as for python_structure_test.
    """
    python_structure_test(versions = CATALOG["versions"], **kwargs)
