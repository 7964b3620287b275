"""Tests of setup_py.py."""

from __future__ import annotations

import pytest

from tools.cpython import setup_py
from tools.cpython.modules import ModulesError

SUMMARY = """\
running build_ext

Python build finished successfully!
The necessary bits to build these optional modules were not found:
_bz2                  _tkinter              readline
nis
To find the necessary bits, look in setup.py in detect_modules() for the module's name.


The following modules found by detect_modules() in setup.py, have been
built by the Makefile instead, as configured by the Setup files:
_abc                  pwd                   time


Failed to build these modules:
_ssl

running build_scripts
"""


def test_modules_that_were_not_built_are_read_off_the_summary() -> None:
    assert setup_py.not_built(SUMMARY) == ["_bz2", "_ssl", "_tkinter", "nis", "readline"]


def test_a_summary_without_faults_lists_nothing() -> None:
    assert setup_py.not_built("running build_ext\n\nrunning build_scripts\n") == []


def test_an_unexpected_gap_is_an_error() -> None:
    setup_py.check(["nis"], ["nis"])
    with pytest.raises(ModulesError, match=r"did not build: _ssl; the package set `sysroot`"):
        setup_py.check(["_ssl", "nis"], ["nis"])


def test_what_is_no_longer_missing_is_an_error() -> None:
    with pytest.raises(ModulesError, match="listed as missing but were found: nis"):
        setup_py.check([], ["nis"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("['/usr/include/uuid']", "['/s/usr/include/uuid']"),
        ("'/usr/lib/' + multiarch", "'/s/usr/lib/' + multiarch"),
        ("['/lib64', '/usr/lib64', '/lib']", "['/s/lib64', '/s/usr/lib64', '/s/lib']"),
        ("'/usr/local/include', '/usr/libexec'", "'/usr/local/include', '/usr/libexec'"),
    ],
)
def test_system_directories_are_those_of_the_sysroot(before: str, after: str) -> None:
    assert setup_py.in_sysroot(before, "/s") == after
