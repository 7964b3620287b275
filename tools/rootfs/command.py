"""Commands in messages, as they run in the workspace in which the message is read.

tools/cli/commands.bzl is the same for Starlark.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

# Of the root module, below a program's runfiles.
_ROOT = "_main"


def repository(file: str = __file__) -> str:
    """Bazel's name of the repository this file is in; that of the root module outside of Bazel."""
    parts = Path(file).parts
    return next(
        (below for folder, below in pairwise(parts) if folder.endswith(".runfiles")),
        _ROOT,
    )


def in_checkout(file: str = __file__) -> bool:
    """Whether this module is the root module, so that ./bazelw and our locks are at hand."""
    return repository(file) == _ROOT


def bazel(file: str = __file__) -> str:
    """How Bazel is called: another workspace's own is called bazel there."""
    return "./bazelw" if in_checkout(file) else "bazel"


def run_command(target: str, arguments: str = "", file: str = __file__) -> str:
    """The command that runs one of our programs, `target` such as //tools:lock."""
    label = target if in_checkout(file) else f"@@{repository(file)}{target}"
    return f"{bazel(file)} run {label}" + (f" -- {arguments}" if arguments else "")


def relock(command: str, otherwise: str = "", file: str = __file__) -> str:
    """What to do about locked packages that don't fit: `command` here, `otherwise` elsewhere."""
    if in_checkout(file):
        return command
    return otherwise or "Take a newer version of the module python_images"
