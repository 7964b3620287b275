"""Extension modules that are linked into the interpreter and libpython, as Debian links them.

Calls between such a module and the interpreter are direct, link-time optimisation sees both, and an
import opens no file. They are modules that programs use all the time and that need no library which
the interpreter doesn't need anyway. Those with a library of CPython's source in them stay files:
an image's list of components finds that source by these files.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

MODULES = (
    "_asyncio",
    "_bisect",
    "_contextvars",
    "_csv",
    "_datetime",
    "_heapq",
    "_json",
    "_lsprof",
    "_opcode",
    "_pickle",
    "_posixsubprocess",
    "_queue",
    "_random",
    "_socket",
    "_statistics",
    "_struct",
    "_zoneinfo",
    "array",
    "cmath",
    "fcntl",
    "grp",
    "math",
    "mmap",
    "resource",
    "select",
    "syslog",
    "termios",
)
# A module that configure decides on: a condition, its name, its sources.
_RULE = re.compile(r"(?m)^@MODULE_\w+_TRUE@((\w+) .*)$")


def setup(stdlib: str, names: Collection[str] = MODULES) -> str:
    """Return what Modules/Setup.local says, which CPython's Makefile takes before its own rules.

    Args:
        stdlib: CPython's own rules, Modules/Setup.stdlib.in.
        names: modules; those that this version has no rule for are left out.
    """
    rules = [rule for rule, name in _RULE.findall(stdlib) if name in names]
    return "".join(f"{line}\n" for line in ["*static*", *rules])


def write(source: Path) -> None:
    """Have CPython be built with these modules in it; to be called before it is configured.

    Args:
        source: directory of CPython's source, 3.12 or later.
    """
    rules = (source / "Modules/Setup.stdlib.in").read_text()
    (source / "Modules/Setup.local").write_text(setup(rules))
