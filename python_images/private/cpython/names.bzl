"""What a CPython is called as a target."""

def cpython_name(version, base, platform):
    """Name of a CPython; `.links` and others after it are its layers.

    Args:
      version: the release, or its label.
      base: the suite, or the release of Alpine.
      platform: name of the platform.

    Returns:
      a string.
    """
    return "{}_{}_{}".format(version, base, platform)
