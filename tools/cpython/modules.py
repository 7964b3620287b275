"""Which extension modules configure decided to build."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_STATE = re.compile(r"(?m)^MODULE_(\w+)_STATE=[ \t]*(\S+)[ \t]*$")

_RULE = re.compile(r"(?m)^Modules/(\S+)\$\(EXT_SUFFIX\):([^;\n]*);(.*)$")
_LIBRARIES = re.compile(r"(?m)^(MODULE_\w+_LDFLAGS)=(.*)$")
_BUILT_IN = re.compile(r"(?m)^MODOBJS=(.*)$")
# Modules for CPython's own tests, however many objects they have.
_TESTS = ("_ctypes_test", "_test", "_xxtest", "xx")


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


def alone(makefile: str) -> set[str]:
    """The objects of extension modules that the linker has nothing to optimise in.

    Those are the modules of one object, and those that only tests use.

    Args:
        makefile: a configured Makefile (CPython 3.12 and later).
    """
    libraries = dict(_LIBRARIES.findall(makefile))
    single: set[str] = set()
    others = {word for words in _BUILT_IN.findall(makefile) for word in words.split()}
    for name, words, recipe in _RULE.findall(makefile):
        objects = set(words.split())
        # Archives of CPython's own: `Modules/_hacl/x.a`, or `$(LIBEXPAT_A)`.
        linked = recipe + "".join(libraries.get(word, "") for word in re.findall(r"\w+", recipe))
        archive = re.search(r"\.a\b|_A\)", linked)
        is_alone = (len(objects) == 1 and not archive) or name.startswith(_TESTS)
        (single if is_alone else others).update(objects)
    return single - others


def check(found: Mapping[str, str], expected_missing: Collection[str]) -> None:
    """Check that every module is built, save those expected to be missing.

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
