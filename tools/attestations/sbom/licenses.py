"""Licences as Debian's copyright files name them, as SPDX licence expressions.

The format is DEP-5 (copyright-format 1.0): short names joined by `or`, `and` and commas, where a
comma binds less tightly than the words. What SPDX has an identifier for gets it; everything else
becomes a `LicenseRef-…` of its own, made of the name and of the text, so that two packages that
mean different texts by `BSD-like` don't share one.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tools.attestations.sbom.model import identifier

TABLE = Path(__file__).parent / "licenses.toml"
# GPL-2, GPL-2.0+, LGPL-2.1-or-later, GFDL-1.3-only ...
_GNU = re.compile(
    r"(A?GPL|LGPL|GFDL|GFDL-NIV)[-v ]?(\d)(?:\.(\d))?"
    r"(\+|-or-later|-only)?(-no-invariants?)?",
    re.IGNORECASE,
)


@cache
def _table() -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """Return (SPDX id by lower-case name, exception id by lower-case name, all ids)."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    names = {name.lower(): name for name in table["ids"]}
    names |= {name.lower(): value for name, value in table["names"].items()}
    exceptions = {name.lower(): value for name, value in table["exceptions"].items()}
    return names, exceptions, frozenset(table["ids"])


def _gnu(name: str) -> str | None:
    """Return the SPDX id of a version of a GNU licence; None for any other name."""
    found = _GNU.fullmatch(name)
    if not found:
        return None
    kind, major, minor, later, invariants = found.groups()
    kind = kind.upper()
    free = "-no-invariants" if kind == "GFDL-NIV" or invariants else ""
    version = f"{kind.removesuffix('-NIV')}-{major}.{minor or '0'}"
    spdx = f"{version}{free}-{'or-later' if later in ('+', '-or-later') else 'only'}"
    return spdx if spdx in _table()[2] else None


def spdx_id(name: str) -> str | None:
    """Return what SPDX calls the licence that DEP-5 calls `name`; None where it has no id.

    `name` may have an exception: `GPL-3+ with Autoconf exception` is
    `GPL-3.0-or-later WITH Autoconf-exception-3.0`.
    """
    names, exceptions, _ = _table()
    base, exception = _split_exception(name)
    spdx = _gnu(base) or names.get(base.lower())
    if not exception or not spdx:
        return spdx
    found = exceptions.get(exception.lower())
    return f"{spdx} WITH {found}" if found else None


def _split_exception(name: str) -> tuple[str, str]:
    base, _, exception = re.sub(r"\s+", " ", name.strip()).partition(" with ")
    return base, exception.removesuffix(" exception").removesuffix(" exceptions")


def is_expression(text: str) -> bool:
    """Return whether `text` is an SPDX expression of identifiers that the table has."""
    _, exceptions, ids = _table()
    names = rf"(?:{'|'.join(map(re.escape, sorted(ids, key=len, reverse=True)))})"
    suffix = rf"(?: WITH (?:{'|'.join(map(re.escape, sorted(exceptions.values())))}))?"
    one = rf"\(*{names}{suffix}\)*"
    flat = re.fullmatch(rf"{one}(?: (?:AND|OR) {one})*", text) is not None
    return flat and _balanced(text)


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


class Texts:
    """The LicenseRefs given out so far, for one document."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, str]] = {}

    def reference(self, name: str, text: str) -> str:
        """Return the LicenseRef of a licence without an SPDX id; equal texts share one."""
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        reference = f"LicenseRef-{identifier(name) or 'unnamed'}-{digest}"
        self.found[reference] = (name, text)
        return reference


def _split(synopsis: str) -> list[list[list[str]]]:
    """Return a synopsis as a conjunction (commas) of alternatives (or) of conjunctions (and)."""
    clean = re.sub(r"\s+", " ", synopsis.replace("/", "-").strip())
    parts = [re.sub(r"^(?:and|or) ", "", part.strip()) for part in clean.split(",")]
    return [
        [[name.strip() for name in one.split(" and ")] for one in part.split(" or ")]
        for part in parts
        if part
    ]


def clauses(synopsis: str, text_of: dict[str, str], texts: Texts, where: str) -> list[str]:
    """Return the SPDX expressions that all hold where a DEP-5 synopsis says so.

    Args:
        synopsis: such as `GPL-1+ or Artistic, and Expat`, which makes two.
        text_of: texts by licence name, as the copyright file gives them.
        texts: takes the licences that have no SPDX id.
        where: what the text of such a licence is where the file gives none.
    """

    def single(name: str) -> str:
        return spdx_id(name) or texts.reference(name, text_of.get(name, "").strip() or where)

    every: list[str] = []
    for part in _split(synopsis):
        either = [[single(name) for name in one] for one in part]
        if len(either) == 1:
            every += either[0]
        else:
            every.append(" OR ".join(dict.fromkeys(" AND ".join(one) for one in either)))
    return every


def conjunction(expressions: Iterable[str]) -> str:
    """Return the expression that all of `expressions` hold, each named once."""
    once = list(dict.fromkeys(expressions))
    if len(once) == 1:
        return once[0]
    return " AND ".join(f"({one})" if " OR " in one else one for one in once)
