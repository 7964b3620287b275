"""Which extension modules are linked into the interpreter."""

from __future__ import annotations

from pathlib import Path

from tools.cpython import built_in

STDLIB = """\
# Modules that should always be present:
*@MODULE_BUILDTYPE@*
@MODULE_ARRAY_TRUE@array arraymodule.c
@MODULE__LSPROF_TRUE@_lsprof _lsprof.c rotatingtree.c
@MODULE__SQLITE3_TRUE@_sqlite3 _sqlite/blob.c
#@MODULE_MATH_TRUE@math mathmodule.c
"""


def test_rules_of_the_modules_are_cpythons_own(tmp_path: Path) -> None:
    (tmp_path / "Modules").mkdir()
    (tmp_path / "Modules/Setup.stdlib.in").write_text(STDLIB)
    built_in.write(tmp_path)
    assert (tmp_path / "Modules/Setup.local").read_text().splitlines() == [
        "*static*",
        "array arraymodule.c",
        "_lsprof _lsprof.c rotatingtree.c",
    ]


def test_modules_are_named_once_in_order() -> None:
    assert list(built_in.MODULES) == sorted(set(built_in.MODULES))
