"""DEP-5's licences in SPDX's terms."""

from __future__ import annotations

import tomllib

import pytest
from license_expression import get_spdx_licensing  # type: ignore[import-untyped]

from tools.attestations.sbom import copyrights, licenses


@pytest.mark.parametrize(
    ("name", "spdx"),
    [
        ("Expat", "MIT"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("gpl-3.0-or-later", "GPL-3.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GFDL-1.2+-no-invariant", "GFDL-1.2-no-invariants-or-later"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("GPL-3+ with Autoconf exception", "GPL-3.0-or-later WITH Autoconf-exception-3.0"),
        ("GPL-3+ with unheard-of exception", None),
        ("LGPL-7", None),
        ("BSD-like", None),
        ("public-domain", None),
    ],
)
def test_names(name: str, spdx: str | None) -> None:
    assert licenses.spdx_id(name) == spdx


def test_a_comma_binds_less_than_or() -> None:
    texts = licenses.Texts()
    assert licenses.clauses("GPL-1+ or Artistic, and Expat", {}, texts, "") == [
        "GPL-1.0-or-later OR Artistic-1.0",
        "MIT",
    ]
    assert licenses.clauses("ISC and Expat or GPL-3", {}, texts, "") == [
        "ISC AND MIT OR GPL-3.0-only"
    ]
    assert texts.found == {}


def test_other_texts_are_other_licences() -> None:
    texts = licenses.Texts()
    one = licenses.clauses("BSD-like", {"BSD-like": "Be nice."}, texts, "")
    two = licenses.clauses("BSD-like", {"BSD-like": "Be kind."}, texts, "")
    assert one != two
    assert [text for _, text in texts.found.values()] == ["Be nice.", "Be kind."]


def test_all_in_the_table_are_spdx_identifiers() -> None:
    table = tomllib.loads(licenses.TABLE.read_text())
    known = get_spdx_licensing().known_symbols
    named = {*table["ids"], *table["names"].values(), *table["exceptions"].values()}
    assert sorted(name for name in named if name not in known) == []


@pytest.mark.parametrize(
    "text",
    [
        "This is Debian's package of demo.\nIt is free.\n",
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nCopyright: nobody\n",
        "",
    ],
)
def test_what_no_machine_can_read_has_no_expression(text: str) -> None:
    assert copyrights.expression(text, "demo", licenses.Texts()) == ""
