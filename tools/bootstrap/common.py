"""What every part of the bootstrap shares: its one error, its messages, and where things live.

Everything in this package runs under the host's python3 (3.9 or newer), without installed packages.
Imports are kept few here and in find_bazel.py: they are paid on every call of ./bazelw.
"""

from __future__ import annotations

import os
import sys

# Bazel's sandbox has an /tmp of its own, so nothing that actions use may lie there.
SANDBOX_HIDES = "/tmp"  # noqa: S108


class BootstrapError(Exception):
    """Something the user has to know about: one message that says what, where and the remedy."""


def say(message: str) -> None:
    """Tell the user something, on stderr (stdout belongs to Bazel)."""
    sys.stderr.write("bazelw: " + message + "\n")
    sys.stderr.flush()


def cache_dir() -> str:
    """The directory of everything ./bazelw keeps; an absolute path without symbolic links.

    Raises BootstrapError where Bazel could not work with it.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the XDG specification: relative values are to be ignored
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            raise BootstrapError(
                "HOME is not set; set it, or XDG_CACHE_HOME, to a directory of yours"
            )
        base = os.path.join(home, ".cache")
    path = os.path.realpath(os.path.join(base, "python-images", "bazel"))
    hidden = os.path.realpath(SANDBOX_HIDES)
    if path == hidden or path.startswith(hidden + os.sep):
        raise BootstrapError(
            f"the cache directory {path} is under {SANDBOX_HIDES}, which Bazel's sandbox hides "
            "from actions; set XDG_CACHE_HOME to a directory elsewhere"
        )
    return path


def write_atomically(path: str, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it; its directory is made if need be."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as out:
            out.write(data)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def remove(path: str) -> None:
    """Remove a tree, read-only directories included; nothing happens if there is none."""
    import shutil

    if not os.path.lexists(path):
        return
    for directory, _, _ in os.walk(path):
        os.chmod(directory, 0o700)
    shutil.rmtree(path)
