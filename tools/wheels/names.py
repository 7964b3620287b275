"""What a wheel may say of itself: names, versions and entry points, which become paths and code.

Checks raise ValueError; its text has the value.
"""

from __future__ import annotations

import configparser
import keyword
import re
from typing import NamedTuple

# https://packaging.python.org/en/latest/specifications: names, and versions as far as they become
# part of a path.
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")
_SCRIPT = re.compile(r"[A-Za-z0-9_.-]+")
_REFERENCE = re.compile(r"([\w.]+)\s*:\s*([\w.]+)\s*(?:\[[\w\s,.-]*\])?")
_LINE = re.compile("[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*")


class EntryPoint(NamedTuple):
    """A script that calls `function`, a dotted name, of a module."""

    name: str
    module: str
    function: str


def distribution(name: str) -> str:
    """A distribution's name."""
    if not _DISTRIBUTION.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a distribution")
    return name


def version(text: str) -> str:
    """A distribution's version."""
    if not _VERSION.fullmatch(text):
        raise ValueError(f"{text!r} is no version")
    return text


def line(text: str) -> str:
    """What stands on one line of METADATA."""
    if not _LINE.fullmatch(text):
        raise ValueError(f"{text!r} has a control character")
    return text


def entry_point(name: str, reference: str) -> EntryPoint:
    """The entry point `name = reference`, such as `greet = greet.main:run`."""
    found = _REFERENCE.fullmatch(reference)
    whole = f"the entry point {name} = {reference}"
    if not found:
        raise ValueError(f"{whole!r} is not understood")
    if not _SCRIPT.fullmatch(name) or name in (".", ".."):
        raise ValueError(f"{whole!r} would make a file that can't be called {name!r}")
    for part in (*found[1].split("."), *found[2].split(".")):
        if not part.isidentifier() or keyword.iskeyword(part):
            raise ValueError(f"{whole!r}: {part!r} is no name in Python")
    return EntryPoint(name, found[1], found[2])


def entry_points(data: bytes) -> list[EntryPoint]:
    """The scripts of an entry_points.txt, those of both kinds."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, default_section="")
    # Names of entry points are case-sensitive.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(data.decode("utf-8"))
    except (UnicodeDecodeError, configparser.Error) as error:
        raise ValueError(f"entry_points.txt: {' '.join(str(error).split())}") from None
    found = [
        entry_point(name, reference)
        for section in ("console_scripts", "gui_scripts")
        for name, reference in (parser.items(section) if parser.has_section(section) else ())
    ]
    names = [point.name for point in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"entry_points.txt has {twice[0]!r} twice")
    return found
