"""Which modules configure skipped."""

from __future__ import annotations

import pytest

from tools.cpython.modules import ModulesError, check, states

MAKEFILE = """\
MODULE_ZLIB_STATE=yes
MODULE_ZLIB_LDFLAGS=-lz
MODULE__DBM_STATE=missing
MODULE__SCPROXY_STATE=n/a
MODULE_XXSUBTYPE_STATE=disabled
MODULE__SSL_CFLAGS=-DX_STATE=yes
"""


def test_states() -> None:
    assert states(MAKEFILE) == {
        "_dbm": "missing",
        "_scproxy": "n/a",
        "xxsubtype": "disabled",
        "zlib": "yes",
    }


def test_everything_found() -> None:
    check({"zlib": "yes", "_scproxy": "n/a"}, ())


def test_skipped_modules_are_named() -> None:
    with pytest.raises(ModulesError, match=r"_dbm \(missing\), xxsubtype \(disabled\);.*sysroot"):
        check(states(MAKEFILE), ())


def test_expected_to_be_missing() -> None:
    check(states(MAKEFILE), ("_dbm", "xxsubtype"))
    with pytest.raises(ModulesError, match="xxsubtype"):
        check(states(MAKEFILE), ("_dbm",))


@pytest.mark.parametrize("name", ["zlib", "_scproxy_x"])
def test_stale_expectation(name: str) -> None:
    if name == "zlib":
        with pytest.raises(ModulesError, match="were found: zlib"):
            check({"zlib": "yes"}, (name,))
    else:
        with pytest.raises(ModulesError, match=name):
            check({"zlib": "yes"}, (name,))


def test_no_module_at_all() -> None:
    with pytest.raises(ModulesError, match="no extension module"):
        check(states("all: build\n"), ())
