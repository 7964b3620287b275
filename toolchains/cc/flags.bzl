"""Compiler flags per suite and platform: what docker-library's builds in the suite use."""

def build_flags(suite, platform):
    """The flags for one suite and platform, which catalog/suites.yaml and ubuntu.yaml have.

    Args:
      suite: what the catalog says of the suite.
      platform: name of the platform.

    Returns:
      struct(cflags, ldflags) of strings.
    """
    flags = suite["build_flags"]
    return struct(
        cflags = " ".join([flags["cflags"]] + ([flags["more"][platform]] if platform in flags["more"] else [])),
        ldflags = flags["ldflags"],
    )
