"""How a program ends that may be run again after an error or Ctrl-C: one line, and a status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from tools.text import quote

FAILED: Final = 1
INTERRUPTED: Final = 130  # as a shell has it of what SIGINT ends


def run(work: Callable[[], int], name: str, errors: tuple[type[Exception], ...], again: str) -> int:
    """Do the work; return its exit status, or what ended it.

    Args:
        work: what the program does.
        name: of the program, before what it says.
        errors: what is told in one line; an OSError is, too.
        again: what comes of running it again after Ctrl-C.
    """
    expected: tuple[type[Exception], ...] = (*errors, OSError)
    try:
        return work()
    except expected as error:
        # A part of it may come from outside.
        print(f"{name}: {quote.terminal(str(error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"{name}: interrupted; {again}", file=sys.stderr)
        return INTERRUPTED
