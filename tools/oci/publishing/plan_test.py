"""What is printed before anything is built, and when the user must confirm."""

from __future__ import annotations

import io

import pytest

from tools.oci.publishing import plan
from tools.oci.publishing.plan import Plan
from tools.oci.publishing.selection import Item
from tools.oci.registry.registry_error import RegistryError

PLATFORMS = ("amd64", "arm64", "armv5", "armv7", "i386", "ppc64le", "riscv64", "s390x")


def made(compiles: int) -> Plan:
    tags = ("3.14-slim-trixie", "3-slim-trixie", "slim-trixie", "3.14.1-slim", "3.14-slim", "slim")
    return Plan(
        (Item("3.14.1-slim-trixie", "@@//images:x", tags),),
        {"3.14.1-slim-trixie": PLATFORMS},
        tuple(f"@@//cpython:{number}" for number in range(compiles)),
    )


class Terminal(io.StringIO):
    """What someone types."""

    def isatty(self) -> bool:
        return True


def test_it_fits_a_terminal() -> None:
    told = plan.lines(made(16), "Publish to registry.example/team/python")
    assert max(map(len, told)) <= 80
    text = "\n".join(told)
    assert "That is 8 images of one platform each." in text
    assert "At most 16 compiles of CPython" in text
    for word in (*PLATFORMS, "3.14-slim", "slim-trixie"):
        assert word in text


def test_without_compiles_nothing_is_said_of_them() -> None:
    assert "compile" not in "\n".join(plan.lines(made(0), "Publish"))


@pytest.mark.parametrize(("compiles", "yes"), [(0, False), (1, False), (144, True)])
def test_nobody_is_asked(compiles: int, yes: bool) -> None:
    plan.agree(made(compiles), yes, io.StringIO())


def test_without_a_terminal_it_is_refused() -> None:
    with pytest.raises(RegistryError, match=r"up to 2 compiles of CPython: .*--yes"):
        plan.agree(made(2), False, io.StringIO("y\n"))


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "yeah\n"])
def test_anything_but_yes_is_a_no(typed: str) -> None:
    with pytest.raises(RegistryError, match="nothing was built"):
        plan.agree(made(2), False, Terminal(typed))


@pytest.mark.parametrize("typed", ["y\n", "Yes\n"])
def test_yes(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan.agree(made(2), False, Terminal(typed))
    assert capsys.readouterr().err == "Go on? [y/N] "
