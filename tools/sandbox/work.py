"""A program's private folder, and its way out by which that folder is always removed."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tools.sandbox import removal


@contextmanager
def directory(prefix: str) -> Iterator[Path]:
    """A private directory, removed at the end with all that the image may have put there."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("TEST_TMPDIR")))
    folder = os.open(path, os.O_PATH | os.O_DIRECTORY)
    try:
        yield path
    finally:
        removal.empty(folder)
        os.close(folder)
        path.rmdir()


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Let the signals that ask a program to end do so by way of all `finally` clauses."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        # Once: nothing is to interrupt the cleaning up.
        for deadly in handled:
            signal.signal(deadly, signal.SIG_IGN)
        sys.exit(128 + number)

    handled = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    old = [signal.signal(number, leave) for number in handled]
    try:
        yield
    finally:
        for number, handler in zip(handled, old, strict=True):
            signal.signal(number, handler)
