"""What the fields of a Debian package may say: the grammar of Debian policy, chapter 5.

Names become paths, and fields lines of dpkg's and apt's databases. What a field may not say can't
add a line or a path there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Sections 5.6.1, 5.6.12 and 5.6.8; but dpkg takes a name of one character. \d would take digits of
# all scripts.
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
VERSION = re.compile(r"(?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*")
ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*")

_FIELD = re.compile(r"(?![#-])[!-9;-~]+")  # section 5.1: ASCII without blanks and colons
# All but the line feeds in front of continuation lines and tabs within them.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_NEEDED = ("Package", "Version", "Architecture")
_PATTERNS = {
    "Package": NAME,
    "Version": VERSION,
    "Architecture": ARCHITECTURE,
    "Source": re.compile(rf"{NAME.pattern}(?: \({VERSION.pattern}\))?"),
    "Multi-Arch": re.compile("no|same|foreign|allowed"),
    "Essential": re.compile("yes|no"),
    "Installed-Size": re.compile("[0-9]{1,12}"),
}
# What dpkg's files about an installed package are made of: info/<package>.<name>.
CONTROL_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
# An explicit trigger is a name, one on files a path; dpkg's triggers/ has a file for each name.
TRIGGER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:-]*|/[!-~]*")


def parse(text: str) -> dict[str, str]:
    """The fields of one control paragraph, in its order and with its spelling.

    A value of several lines keeps them as they are: a line feed, then the line with its leading
    blank.

    Raises:
        ValueError: a line or a value isn't what policy asks for, or a needed field is missing.
    """
    fields: dict[str, str] = {}
    last = ""
    for line in text.rstrip("\n").split("\n"):
        if _CONTROL.search(line):
            raise ValueError(f"malformed line {line!r}")
        if line.startswith((" ", "\t")) and last:
            if not line.strip():
                raise ValueError(f"field {last!r} has an empty line")
            fields[last] += "\n" + line
            continue
        last, colon, value = line.partition(":")
        if not colon or not _FIELD.fullmatch(last):
            raise ValueError(f"malformed line {line!r}")
        if last.lower() in (name.lower() for name in fields):
            raise ValueError(f"field {last!r} twice")
        # A blank at the end of a first line that others follow is part of the value, as for dpkg.
        fields[last] = value.lstrip()
    fields = {name: value.rstrip() for name, value in fields.items()}
    _check(fields)
    return fields


def _check(fields: Mapping[str, str]) -> None:
    for needed in _NEEDED:
        if not fields.get(needed):
            raise ValueError(f"no {needed!r}")
    exact = {name.lower(): name for name in _PATTERNS}
    for name, value in fields.items():
        known = exact.get(name.lower())
        if known is not None and known != name:
            raise ValueError(f"field {name!r} is to be spelt {known!r}")
        if known is not None and not _PATTERNS[known].fullmatch(value):
            raise ValueError(f"field {name!r} has the value {value!r}")
