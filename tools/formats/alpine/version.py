"""Alpine's version numbers: which of two is newer, and what a dependency's operator accepts.

A version is `digits{.digits}{letter}{_suffix{digits}}{~hash}{-rdigits}`. The suffixes alpha, beta,
pre and rc come before the version without them; cvs, svn, git, hg and p after it.
"""

from __future__ import annotations

import re

# The sort key of one part of a version: (rank, value). At a place where two versions have parts
# of different kinds, the one of the higher rank is the newer version.
_Part = tuple[int, tuple[int, int, str]]
_BEFORE, _ODD, _END, _REVISION, _HASH, _NUMBER, _AFTER, _LETTER, _DIGITS = range(9)

_EARLIER = ("alpha", "beta", "pre", "rc")
_LATER = ("cvs", "svn", "git", "hg", "p")
_TOKEN = re.compile(
    r"(?P<digits>\.\d+)|(?P<letter>[a-z])|_(?P<suffix>[a-z]+)(?P<number>\d+)?"
    r"|~(?P<hash>[0-9a-f]+)|-r(?P<revision>\d+)"
)
# The kinds of token in the order in which they may follow each other; digits and suffixes repeat.
_ORDER = ("digits", "letter", "suffix", "hash", "revision")
_REPEATS = ("digits", "suffix")


def _number(text: str) -> tuple[int, int, str]:
    return (0, int(text), "")


def _parts(version: str) -> list[_Part]:
    """The version's parts without its end; an `_ODD` one stands for all that isn't a version."""
    first = re.match(r"\d+", version)
    if first is None:
        return [(_ODD, (0, 0, ""))]
    parts: list[_Part] = [(_DIGITS, _number(first[0]))]
    at, reached = first.end(), 0
    while at < len(version):
        token = _TOKEN.match(version, at)
        kind = next((name for name in _ORDER if token and token[name] is not None), "")
        place = _ORDER.index(kind) if kind else -1
        suffix = token["suffix"] if token else None
        if (
            token is None
            or place < reached
            or (place == reached and kind not in _REPEATS)
            or (suffix is not None and suffix not in _EARLIER + _LATER)
        ):
            parts.append((_ODD, (0, 0, "")))
            break
        at, reached = token.end(), place
        if kind == "digits":
            digits = token[kind][1:]
            # Like decimals, digits with a leading zero are compared as text: 1.09 < 1.1.
            value = (0, 0, digits) if digits.startswith("0") else (1, int(digits), "")
            parts.append((_DIGITS, value))
        elif kind == "letter":
            parts.append((_LETTER, (0, 0, token[kind])))
        elif suffix is not None:
            early = suffix in _EARLIER
            index = (_EARLIER if early else _LATER).index(suffix)
            parts.append((_BEFORE if early else _AFTER, (0, index, "")))
            if token["number"] is not None:
                parts.append((_NUMBER, _number(token["number"])))
        elif kind == "hash":
            parts.append((_HASH, (0, 0, token[kind])))
        else:
            parts.append((_REVISION, _number(token[kind])))
    return parts


def valid(version: str) -> bool:
    """Whether it is a version at all."""
    return all(rank != _ODD for rank, _ in _parts(version))


def key(version: str) -> tuple[_Part, ...]:
    """A sort key: the newer of two versions has the greater one.

    What isn't a version is as new as its valid beginning's predecessor, as for apk.
    """
    parts = _parts(version)
    if parts[-1][0] != _ODD:
        parts.append((_END, (0, 0, "")))
    return tuple(parts)


def compare(first: str, second: str) -> int:
    """-1, 0 or 1: whether `first` is older than, as new as or newer than `second`."""
    one, two = key(first), key(second)
    return (one > two) - (one < two)


def accepts(version: str, operator: str, wanted: str) -> bool:
    """Whether `version` is what a dependency with `operator` and the version `wanted` takes.

    Operators are `=`, `<`, `<=`, `>`, `>=`, and with `~` those that take every version that
    begins with the parts of `wanted`: `~`, `=~`, `~=`, `<~`, `>~`.
    """
    if "~" in operator:
        prefix = _parts(wanted)
        if _parts(version)[: len(prefix)] == prefix:
            return True
        operator = operator.replace("~", "")
    found = compare(version, wanted)
    return (
        (found < 0 and "<" in operator)
        or (found > 0 and ">" in operator)
        or (found == 0 and "=" in operator)
    )
