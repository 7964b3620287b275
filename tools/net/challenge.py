"""WWW-Authenticate, taken apart in one pass."""

from __future__ import annotations

import re
from typing import Final

from tools.net import limits
from tools.net.net_errors import PolicyError

# RFC 9110, 11.6.1. No part can match the same text in two ways, so time is linear.
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_BLANK: Final = re.compile(r"[\s,]*")
# A bare value should be a word, too; servers put addresses there.
_PARAMETER: Final = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=][^\s,"]*))')
_SCHEME: Final = re.compile(rf"({_WORD})(?:[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$)))?")


def parse(header: str) -> dict[str, dict[str, str]]:
    """Return the parameters of each scheme, both in lower case; of a scheme named twice the first.

    Raises PolicyError where the header is no list of challenges, or longer than HEADER.
    """
    if len(header) > limits.HEADER:
        raise PolicyError(f"a WWW-Authenticate header of {len(header)} bytes")
    challenges: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    at = _end(_BLANK.match(header))
    while at < len(header):
        if found := _PARAMETER.match(header, at):
            value = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
            current.setdefault(found[1].lower(), value)
        elif found := _SCHEME.match(header, at):
            current = {}
            challenges.setdefault(found[1].lower(), current)
        else:
            shown = header[at : at + 60]
            raise PolicyError(f"a WWW-Authenticate header that can't be read: {shown!r}")
        at = _end(_BLANK.match(header, found.end()))
    return challenges


def _end(found: re.Match[str] | None) -> int:
    return found.end() if found else 0
