"""Counting instructions: what is asked of the programs that count, and what they say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench import instructions


def _program(path: Path, lines: str) -> None:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


def test_the_interface_is_that_of_qemus_version() -> None:
    assert instructions.interface("qemu-aarch64 version 7.2.22 (Debian 1:7.2)") == 1
    assert instructions.interface("qemu-aarch64 version 10.0.7 (Debian 1:10.0)") == 2
    with pytest.raises(SystemExit, match="not a version of qemu: 'command not found'"):
        instructions.interface("command not found")


def test_valgrinds_count_is_read(tmp_path: Path) -> None:
    valgrind, environment = tmp_path / "valgrind", {"PATH": f"{tmp_path}:/bin"}
    _program(valgrind, 'echo "==1== I   refs:      1,234,567"')
    assert instructions.native(["true"], environment, tmp_path) == 1_234_567
    _program(valgrind, "echo nothing")
    with pytest.raises(SystemExit, match="valgrind counted nothing:\nnothing"):
        instructions.native(["true"], environment, tmp_path)


def test_a_failing_program_shows_its_output(tmp_path: Path) -> None:
    _program(tmp_path / "fails", "echo no such module\nexit 3")
    with pytest.raises(SystemExit, match="failed:\nno such module"):
        instructions.run([tmp_path / "fails"], {}, tmp_path)


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "gcc", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert instructions.missing("arm64") == ["qemu-aarch64"]
    assert instructions.missing("amd64") == ["valgrind"]


def test_an_emulator_without_plugins_is_named(tmp_path: Path) -> None:
    _program(tmp_path / "qemu", "echo -- -cpu model")
    with pytest.raises(SystemExit, match="qemu has no -plugin"):
        instructions.plugin(str(tmp_path / "qemu"), tmp_path / "count.so")


def _no_plugins() -> str:
    programs = [name for name in ("qemu-x86_64", "gcc") if not shutil.which(name)]
    if programs:
        return f"not installed: {', '.join(programs)}"
    environment = {"PATH": "/usr/bin:/bin"}
    told = instructions.run(["qemu-x86_64", "--help"], environment, Path("/"))
    return "" if "-plugin" in told else "this machine's qemu-user takes no plugins"


@pytest.mark.skipif(bool(_no_plugins()), reason=_no_plugins())
def test_qemu_counts_loops(tmp_path: Path) -> None:
    def count(rounds: int) -> int:
        source = f"int main() {{ for (volatile int i = 0; i < {rounds}; i++); return 0; }}"
        (tmp_path / "loop.c").write_text(source)
        environment = {"PATH": "/usr/bin:/bin"}
        options = ["-static", "-O1", "loop.c", "-o", "loop"]
        instructions.run(["gcc", *options], environment, tmp_path)
        return instructions.emulated(["qemu-x86_64"], [str(tmp_path / "loop")], {}, tmp_path)

    # A round is at least three instructions: load, add, store; and the rest is the same.
    more = count(200_000) - count(100_000)
    assert 300_000 <= more <= 1_000_000
    assert more % 100_000 < 100
