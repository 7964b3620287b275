"""Finding what packages depend on."""

from __future__ import annotations

from tools.formats.debian.closure import closure

_CONTROLS = {
    "compiler": {"Depends": "base (= 14.2), libc (>= 2.41), missing"},
    "base": {"Depends": ""},
    "libc": {"Pre-Depends": "loader | other-loader:any", "Depends": "compiler"},
    "loader": {},
    "other-loader": {},
    "unneeded": {"Depends": "libc"},
}


def test_all_fields_and_alternatives_count() -> None:
    everything = {"base", "compiler", "libc", "loader", "other-loader"}
    assert closure(["compiler"], _CONTROLS) == everything


def test_names_that_no_package_has_are_left_out() -> None:
    assert closure(["base", "missing"], _CONTROLS) == {"base"}
