"""What runs beside the program that compiles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.cpython.workspace import BuildError, beside


def test_a_task_beside_runs_in_another_process(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with beside(lambda: told.write_text(str(os.getpid()))):
        pass
    assert int(told.read_text()) != os.getpid()


def test_a_task_that_fails(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="beside"), beside((tmp_path / "missing").read_text):
        pass
    assert "missing" in capfd.readouterr().err


def test_a_task_has_ended_when_what_it_runs_beside_fails(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with pytest.raises(ValueError, match="here"), beside(lambda: told.write_text("done")):
        raise ValueError("here")
    assert told.read_text() == "done"
