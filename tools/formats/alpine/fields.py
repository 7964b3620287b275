"""What .PKGINFO and indexes may say of a package: names, versions, numbers and dependencies.

Names and versions become paths, and fields lines of apk's database. What a field may not say can't
add a line or a path there. Checks raise ValueError; its text has the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.formats.alpine import dependency
from tools.formats.alpine import version as versions
from tools.formats.archives import rules
from tools.formats.archives.archive_error import ArchiveError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
VERSION = re.compile(r"[0-9][A-Za-z0-9._~-]*")
ARCHITECTURE = re.compile(r"[a-z0-9_]+")
_DIGITS = re.compile(r"[0-9]{1,18}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def name(value: str) -> str:
    """A package's name."""
    return _matching(NAME, value, "name of a package")


def version(value: str) -> str:
    """A package's version."""
    _matching(VERSION, value, "version")
    if not versions.valid(value):
        raise ValueError(f"{value!r} is no version")
    return value


def architecture(value: str) -> str:
    """The architecture a package is for."""
    return _matching(ARCHITECTURE, value, "architecture")


def sha256(value: str) -> str:
    """A SHA-256 in hexadecimal digits."""
    return _matching(_SHA256, value, "SHA-256")


def number(value: str, greatest: int = rules.MAXIMUM_SIZE) -> int:
    """A number that isn't negative; the default is the greatest a size may be."""
    found = int(_matching(_DIGITS, value, "number"))
    if found > greatest:
        raise ValueError(f"{value!r} is more than {greatest}")
    return found


def time(value: str) -> int:
    """Seconds since 1970."""
    return number(value, rules.MAXIMUM_TIME)


def text(value: str) -> str:
    """What stands on one line: UTF-8 without control characters."""
    try:
        return rules.text("value", value)
    except ArchiveError as error:
        raise ValueError(str(error)) from None


def dependencies(value: str) -> Sequence[dependency.Dependency]:
    """Dependencies with blanks between them."""
    return dependency.parse_all(text(value))


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is no {what}")
    return value
