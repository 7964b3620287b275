"""Whether the checkout is whole after an update."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.cli.input_error import InputError
from tools.pages import outputs
from tools.pages.apidocs.page import StarlarkError

# Seconds at most; the first loading of a checkout fetches what its module extensions need.
_SECONDS = 1800
# Tests of data that an update changes, which build nothing but themselves.
CHEAP = ("//tools/packages/debian:locks_test", "//tools/catalog:all", "//tools/pages:all")
_LINES = 12


class BrokenError(Exception):
    """The checkout isn't whole; the message has the last lines of what says so."""


def _bazel(root: Path, bazel: Sequence[str], *words: str) -> None:
    """Run Bazel in the checkout.

    Raises:
        BrokenError: it fails, or can't be run.
    """
    shown = f"`./bazelw {' '.join(words)}`"
    # What the Bazel that runs this program has set isn't for another.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BUILD_", "RUNFILES", "JAVA_RUNFILES", "PYTHON"))
    }
    print(f"checking: {shown}", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            [*bazel, *words],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokenError(f"{shown} can't be run: {error}") from None
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.strip()]
        problems = [line for line in said if line.startswith(("ERROR", "FAIL"))] or said
        raise BrokenError("\n".join([f"{shown} fails:", *problems[-_LINES:]]))


def load(root: Path, bazel: Sequence[str]) -> None:
    """Check that everything loads and no generated file is stale.

    Raises:
        BrokenError: something doesn't, or is.
    """
    try:
        stale = outputs.stale(root)
    except (InputError, StarlarkError) as error:
        raise BrokenError(str(error)) from None
    if stale:
        raise BrokenError("; ".join(stale))
    _bazel(root, bazel, "query", "--noshow_progress", "--output=label", "//...")


def test(root: Path, bazel: Sequence[str]) -> None:
    """Run the tests of the catalog and of the locks.

    Raises:
        BrokenError: one fails.
    """
    _bazel(root, bazel, "test", "--noshow_progress", "--test_output=errors", *CHEAP)
