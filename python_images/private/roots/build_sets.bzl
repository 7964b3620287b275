"""Labels of package sets that only the build uses."""

# The suite whose packages are the tools that no image's suite decides on.
TOOLS_SUITE = "trixie"

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
