"""Labels of package sets that only the build uses."""

load("@debian//:sets.bzl", "BUILD_SETS")

# What only one suite has: the interpreter of this repository's tools, and with it all of them.
_TOOLS = "python"

def _tools_suite():
    suites = [suite for suite, archs in BUILD_SETS.items() if _TOOLS in archs.get("amd64", [])]
    if len(suites) != 1:
        fail("third_party/debian/build: the set {} has to be in one lock for amd64, and is in those of {}; {}".format(
            _TOOLS,
            " and ".join(suites) or "no suite",
            "leave it in the build_sets of one suite in catalog/suites.yaml and lock again: " +
            "./bazelw --bazelw-lock --keep --build",
        ))
    return suites[0]

# The suite whose packages are the tools of the build machine: compilers of what runs while building,
# host tools, the interpreter. Images run nothing of these, whichever suite they are on.
TOOLS_SUITE = _tools_suite()

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

def build_machine_tools():
    """What compiles the programs that run while building, as a bill of materials has it.

    Returns:
      dict: label of a package set's packages.json to its role, for image_sbom's `tools`.
    """
    return {
        build_set(TOOLS_SUITE, "amd64", name + ".json"): "build-machine=" + TOOLS_SUITE
        for name in ["cc_amd64", "build_sysroot", "hosttools"]
    }
