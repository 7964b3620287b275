"""Labels of package sets that only the build uses."""

load("@debian//:sets.bzl", _TOOLS_SUITE = "TOOLS_SUITE")

# The suite whose packages are the tools of the build machine: compilers of what runs while building,
# host tools, the interpreter. Images run nothing of these, whichever suite they are on.
TOOLS_SUITE = _TOOLS_SUITE

def build_set(suite, arch, set):
    """A package set of a build lock.

    Args:
      suite: name of the suite.
      arch: Debian's name of the architecture.
      set: name of the set, or <set>.json.

    Returns:
      a Label.
    """
    return Label("@debian//build/{}/{}:{}".format(suite, arch, set))

def build_machine_tools(build_pythons):
    """What compiles and drives a compilation of CPython, as a bill of materials has it.

    Args:
      build_pythons: the package sets that the interpreters are made of which drive it.

    Returns:
      dict: label of a package set's packages.json to its role, for image_sbom's `tools`.
    """
    return {
        build_set(TOOLS_SUITE, "amd64", name + ".json"): "build-machine=" + TOOLS_SUITE
        for name in ["cc_amd64", "hosttools"] + build_pythons
    }
