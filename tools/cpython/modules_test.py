"""Which modules configure skipped."""

from __future__ import annotations

import pytest

from tools.cpython.modules import ModulesError, alone, check, states

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


RULES = """\
MODOBJS= Modules/_abc.o  Modules/main.o
MODULE_PYEXPAT_LDFLAGS=-lm $(LIBEXPAT_A)
MODULE_MATH_LDFLAGS=-lm
Modules/_abc$(EXT_SUFFIX):  Modules/_abc.o; $(BLDSHARED)  Modules/_abc.o -o x
Modules/math$(EXT_SUFFIX):  Modules/math.o; $(BLDSHARED)  Modules/math.o $(MODULE_MATH_LDFLAGS) -o x
Modules/pyexpat$(EXT_SUFFIX):  Modules/pyexpat.o; $(BLDSHARED) $(MODULE_PYEXPAT_LDFLAGS) -o x
Modules/_sha2$(EXT_SUFFIX):  Modules/sha2.o; $(BLDSHARED)  Modules/sha2.o Modules/_hacl/sha2.a -o x
Modules/_md5$(EXT_SUFFIX):  Modules/md5.o Modules/_hacl/md5.o; $(BLDSHARED) -o x
Modules/_hmac$(EXT_SUFFIX):  Modules/_hacl/md5.o; $(BLDSHARED) -o x
Modules/_testcapi$(EXT_SUFFIX):  Modules/_testcapi/a.o Modules/_testcapi/b.o; $(BLDSHARED) -o x
"""


def test_objects_that_are_linked_with_no_other() -> None:
    assert alone(RULES) == {"Modules/math.o", "Modules/_testcapi/a.o", "Modules/_testcapi/b.o"}
