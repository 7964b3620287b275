"""The minor version of the interpreter that runs the tools."""

load("@catalog//:catalog.bzl", "CATALOG")
load("@debian//:sets.bzl", "TOOLS_SUITE")

def _minor(packages):
    """The minor version in the name of a set's python3.X-minimal."""
    found = [
        name.removeprefix("python").removesuffix("-minimal")
        for name in packages
        if name.startswith("python3.") and name.endswith("-minimal")
    ]
    if len(found) != 1:
        fail("catalog/suites.yaml: {}: build set python must name one python3.X-minimal, has {}".format(
            TOOLS_SUITE,
            packages,
        ))
    return found[0]

TOOLS_PYTHON = _minor(CATALOG["suites"][TOOLS_SUITE]["build_sets"]["python"])
