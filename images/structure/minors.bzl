"""particular and threading: the structure tests of what is particular to a version."""

# Minor versions with a file of their own, oldest first.
_MINORS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]

def _order(minor):
    return [int(part) for part in minor.split(".")]

def particular(minor):
    """The file for a minor version: its own, or while there is none that of the one before.

    Args:
      minor: such as 3.15.

    Returns:
      the file's name.
    """
    known = [name for name in _MINORS if _order(name) <= _order(minor)]
    if not known:
        fail("images/structure/minors.bzl: {} is older than all of _MINORS: add it there, and {}".format(
            minor,
            "images/structure/python-{}.yaml".format(minor),
        ))
    return "python-{}.yaml".format(known[-1])

def threading(facts, lean = False):
    """The files for a build with the global interpreter lock, or without it.

    Args:
      facts: the release, a value of `versions` of the catalog.
      lean: whether the image lacks what develops and installs packages.

    Returns:
      the files' names.
    """
    if not facts["free_threaded"]:
        return ["gil.yaml"]
    return ["free-threaded.yaml"] + ([] if lean else ["free-threaded-dev.yaml"])
