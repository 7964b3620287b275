"""The skeleton of all backends: exit statuses, messages, and when a lock is written."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.packages import lock_command


class WrongError(Exception):
    """What a backend raises for wrong input."""


def fail(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(_: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (WrongError("x.lock: is wrong"), lock_command.FAILED, "lock: error: x.lock: is wrong\n"),
        (KeyboardInterrupt(), lock_command.INTERRUPTED, "lock: interrupted\n"),
    ],
)
def test_what_ends_a_run(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lock_command.main(lock_command.parser("x"), fail(error), (WrongError,), []) == status
    assert capsys.readouterr().err == said


def test_other_errors_are_ours() -> None:
    with pytest.raises(ZeroDivisionError):
        lock_command.main(lock_command.parser("x"), fail(ZeroDivisionError()), (WrongError,), [])


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", "/workspace")
    options = lock_command.parser("x")
    lock_command.add_check(options)
    lock_command.add_repeatable(options, "--mirror", "x")
    found: list[argparse.Namespace] = []

    def run(arguments: argparse.Namespace) -> int:
        found.append(arguments)
        return lock_command.STALE

    asked = ["--check", "--mirror=a", "--mirror=b"]
    assert lock_command.main(options, run, (WrongError,), asked) == lock_command.STALE
    (arguments,) = found
    assert arguments.check
    assert arguments.mirror == ["a", "b"]
    assert arguments.root == "/workspace"


@pytest.mark.parametrize(
    ("stale", "check", "state", "written"),
    [
        (True, False, "written", True),
        (True, True, "stale", False),
        (False, False, "unchanged", False),
    ],
)
def test_only_a_stale_lock_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    stale: bool,
    check: bool,
    state: str,
    written: bool,
) -> None:
    file = Path("locks/one.lock")
    write = None if check else lambda path: path.write_text("new")
    assert lock_command.update(tmp_path, file, write, stale=stale, changes=["a 1 -> 2"]) == stale
    assert capsys.readouterr().out == f"locks/one.lock: {state}\n  a 1 -> 2\n"
    assert (tmp_path / file).exists() == written


def test_a_damaged_lock_counts_as_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def read(path: Path) -> str:
        if path.read_text() != "good":
            raise WrongError("one.lock: is damaged")
        return "lock"

    path = tmp_path / "one.lock"
    assert lock_command.read_old(path, read, WrongError) is None
    path.write_text("good")
    assert lock_command.read_old(path, read, WrongError) == "lock"
    assert capsys.readouterr().err == ""
    path.write_text("bad")
    assert lock_command.read_old(path, read, WrongError) is None
    assert capsys.readouterr().err == "replacing a damaged lock: one.lock: is damaged\n"
