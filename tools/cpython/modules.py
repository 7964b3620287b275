"""Which extension modules configure decided to build."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_STATE = re.compile(r"(?m)^MODULE_(\w+)_STATE=[ \t]*(\S+)[ \t]*$")


class ModulesError(Exception):
    """CPython would lack modules it should have, or has ones it is said to lack."""


def states(makefile: str) -> dict[str, str]:
    """The modules a configured Makefile (CPython 3.12 and later) names, in lower case.

    Returns:
        name -> "yes", "missing" (a library was not found), "disabled" or "n/a" (not for this
        platform), sorted by name.
    """
    found = {name.lower(): state for name, state in _STATE.findall(makefile)}
    return dict(sorted(found.items()))


def check(found: Mapping[str, str], expected_missing: Collection[str]) -> None:
    """Checks that every module is built, save those expected to be missing.

    Raises:
        ModulesError: names the modules that differ and what to do.
    """
    if not found:
        raise ModulesError("configure's Makefile names no extension module")
    absent = {name for name, state in found.items() if state not in ("yes", "n/a")}
    unexpected = sorted(absent - set(expected_missing))
    if unexpected:
        raise ModulesError(
            "configure skipped modules: "
            + ", ".join(f"{name} ({found[name]})" for name in unexpected)
            + "; the package set `sysroot` in catalog/suites.yaml lacks what they need"
        )
    present = sorted(set(expected_missing) - absent)
    if present:
        raise ModulesError(
            f"modules are listed as missing but were found: {', '.join(present)}; "
            "remove them from expected_missing"
        )
