"""What is particular to CPython's own setup.py, which builds extension modules up to 3.11."""

from __future__ import annotations

import re
from collections.abc import Collection

from tools.cpython.modules import ModulesError

# Where setup.py looks for headers and libraries, as string literals.
_SYSTEM_PATH = re.compile(r"(?<=['\"])(/usr/include|/usr/lib64|/usr/lib|/lib64|/lib)(?=[/'\"])")
# Headings of its summary; the names follow, in columns, up to an empty line or a sentence.
_HEADINGS = (
    "The necessary bits to build these optional modules were not found:",
    "Failed to build these modules:",
    "Following modules built successfully but were removed because they could not be imported:",
)


def in_sysroot(text: str, sysroot: str) -> str:
    """setup.py's text, to look for libraries in a sysroot and not on the build machine.

    >>> in_sysroot("find_file('tcl.h', ['/usr/include/tcl8.6'])", "/s")
    "find_file('tcl.h', ['/s/usr/include/tcl8.6'])"
    """
    return _SYSTEM_PATH.sub(lambda match: sysroot + match[1], text)


def not_built(log: str) -> list[str]:
    """The modules that setup.py's summary says it could not build, sorted.

    Args:
        log: what `make` printed.
    """
    found: set[str] = set()
    listing = False
    for line in log.splitlines():
        if line.strip() in _HEADINGS:
            listing = True
        elif not line.strip() or line.startswith("To find the necessary bits"):
            listing = False
        elif listing:
            found.update(line.split())
    return sorted(found)


def check(missing: Collection[str], expected: Collection[str]) -> None:
    """Check that every module was built, save those expected to be missing.

    Raises:
        ModulesError: names the modules that differ and what to do.
    """
    unexpected = sorted(set(missing) - set(expected))
    if unexpected:
        raise ModulesError(
            f"setup.py did not build: {', '.join(unexpected)}; the package set `sysroot` in "
            "catalog/suites.yaml lacks what they need, or they don't compile with it"
        )
    present = sorted(set(expected) - set(missing))
    if present:
        raise ModulesError(
            f"modules are listed as missing but were found: {', '.join(present)}; "
            "remove them from expected_missing"
        )
