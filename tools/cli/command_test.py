"""A command's text goes where it is asked for; what stands in the way is one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cli import command
from tools.cli.input_error import InputError


def test_the_text_is_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(lambda: "said\n") == 0
    assert capsys.readouterr() == ("said\n", "")
    assert command.run(lambda: "said\n", tmp_path / "a/b") == 0
    assert (tmp_path / "a/b").read_text() == "said\n"


def test_an_expected_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> str:
        raise InputError("versions.yaml", 3, "eol", "'never' is no day", "write YYYY-MM-DD")

    assert command.run(fails, tmp_path / "file") == 2
    said = "error: versions.yaml:3: eol: 'never' is no day; write YYYY-MM-DD\n"
    assert capsys.readouterr() == ("", said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".", "file/below"])
def test_a_file_that_can_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "file").write_text("theirs")
    assert command.run(lambda: "said\n", tmp_path / name) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {tmp_path / name}: can't be written: ")
    assert err.endswith("; name another file in --output\n")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def started(text: str, stdout: int) -> subprocess.Popen[str]:
    """A program whose text is an expression."""
    program = f"""
import sys, time
from tools.cli import command
sys.exit(command.run(lambda: {text}))
"""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(program: subprocess.Popen[str]) -> tuple[int, str]:
    """The status and what was said on standard error."""
    _, said = program.communicate(timeout=60)
    return program.returncode, said


def test_a_full_disk() -> None:
    with Path("/dev/full").open("w") as full:
        status, said = ended(started("'said'", full.fileno()))
    assert status == 2
    problem = "can't be written: No space left on device"
    assert said == f"error: standard output: {problem}; make room, or send it elsewhere\n"


def test_a_reader_that_has_seen_enough() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert ended(started("'said' * 100_000", writer)) == (0, "")
    finally:
        os.close(writer)


def test_ctrl_c() -> None:
    program = started("print('ready', flush=True) or time.sleep(60)", subprocess.PIPE)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    program.send_signal(signal.SIGINT)
    assert ended(program) == (130, "interrupted\n")
