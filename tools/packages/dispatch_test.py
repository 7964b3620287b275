"""Which tool a command line goes to."""

from __future__ import annotations

import functools

import pytest

from tools.packages import dispatch as main


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []

    def record(kind: str, argv: list[str]) -> int:
        found.append((kind, argv))
        return 7

    for kind in ("alpine", "debian", "ubuntu", "windows"):
        module = f"tools.packages.{kind}.lock_{kind}"
        monkeypatch.setattr(f"{module}.main", functools.partial(record, kind))
    return found


@pytest.mark.parametrize(
    ("line", "kind", "passed"),
    [
        ("", "debian", ""),
        ("--suite=trixie --check", "debian", "--suite=trixie --check"),
        ("trixie bookworm --check", "debian", "--suite=trixie --suite=bookworm --check"),
        ("alpine3.24 --arch aarch64", "alpine", "alpine3.24 --arch aarch64"),
        ("alpine3.24 alpine3.23", "alpine", "alpine3.24 alpine3.23"),
        ("noble --ports-mirror x", "ubuntu", "noble --ports-mirror x"),
        ("jammy noble", "ubuntu", "jammy noble"),
        ("ltsc2025 --registry x:1", "windows", "ltsc2025 --registry x:1"),
    ],
)
def test_where_it_goes(
    calls: list[tuple[str, list[str]]], line: str, kind: str, passed: str
) -> None:
    assert main.main(line.split()) == 7
    assert calls == [(kind, passed.split())]


def test_two_kinds_at_once(
    calls: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["trixie", "alpine3.24"]) == 2
    assert "trixie alpine3.24: suites of two kinds" in capsys.readouterr().err
    assert calls == []
