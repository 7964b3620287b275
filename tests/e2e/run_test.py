"""Images of the catalog, run as people run them: without an engine, by any user.

RUN and EMULATED are `.run` of images for this machine and for arm64, SHELL is `.shell`, IMAGE the
image itself, INDEX `.run` of an index. docs/using.md's own commands are run, too.
"""

from __future__ import annotations

import os
import platform
import pty
import subprocess
from pathlib import Path

import pytest

from tests.documents.pages import Page

PROGRAMS = {name: os.environ[name] for name in ("RUN", "EMULATED", "SHELL", "IMAGE", "INDEX")}
PAGE = Page.read(Path("docs/using.md")).section("Run it")


def run(
    program: str, *words: str, status: int = 0, typed: str = "", folder: Path | None = None
) -> str:
    """Return what a program of an image writes."""
    done = subprocess.run(
        [Path(PROGRAMS[program]).absolute(), *words],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "BUILD_WORKING_DIRECTORY": str(folder or Path.cwd())},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("program", "machine"),
    [
        ("RUN", platform.machine()),
        ("IMAGE", platform.machine()),
        ("INDEX", platform.machine()),
        ("EMULATED", "aarch64"),
    ],
)
def test_python_runs(program: str, machine: str, tmp_path: Path) -> None:
    code = "import platform, sys; print(platform.machine(), sys.stdin.read()); sys.exit(3)"
    shown = run(program, "python3", "-c", code, typed="typed", status=3)
    assert shown == f"{machine} typed\n"


@pytest.mark.parametrize("program", ["RUN", "EMULATED"])
def test_volumes_and_no_network(program: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("given")
    code = """
import pathlib, socket
pathlib.Path("out").write_text(pathlib.Path("in").read_text())
print([name for _, name in socket.if_nameindex()])
"""
    words = ("--volume=.:/data", "--workdir=/data", "--no-network", "--user=10001:10001")
    assert run(program, *words, "python3", "-c", code, folder=tmp_path) == "['lo']\n"
    assert (tmp_path / "out").read_text() == "given"
    assert (tmp_path / "out").stat().st_uid == os.geteuid()


def test_pip_installs_for_another_user(tmp_path: Path) -> None:
    """What belongs to root isn't writable; a home is."""
    code = "import pathlib; pathlib.Path('/usr/local/x').touch()"
    run("RUN", "--user=10001", "python3", "-c", code, status=1)
    run("RUN", "--user=10001", "--env=HOME=/tmp", "python3", "-m", "venv", "/tmp/venv")


def test_an_index_is_the_command_of_this_machine_s_image() -> None:
    """Without a command Python starts, which reads its program from standard input."""
    assert run("INDEX", typed="print(6 * 7)") == "42\n"
    assert run("IMAGE", typed="print(6 * 7)") == "42\n"


def test_the_repl_in_a_terminal() -> None:
    pid, descriptor = pty.fork()
    if not pid:
        try:
            os.execv(PROGRAMS["IMAGE"], [PROGRAMS["IMAGE"]])
        finally:
            os._exit(1)
    shown = b""
    typed = False
    while True:
        try:
            data = os.read(descriptor, 1 << 16)
        except OSError:
            break
        shown += data
        if b">>> " in shown and not typed:
            os.write(descriptor, b"import sys; sys.exit(6 * 7)\r")
            typed = True
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42, shown


def test_shells() -> None:
    assert run("SHELL", "-c", "echo $0 $((6 * 7))") == "/bin/bash 42\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: takes root, or /etc/subuid")
def test_root_of_the_image_may_change_owners_and_users() -> None:
    code = """
import os
os.mkdir("/tmp/x")
os.chown("/tmp/x", 42, 8)
print(os.stat("/tmp/x").st_uid, os.stat("/etc/shadow").st_gid)
os.setgroups([8])
os.setgid(42)
os.setuid(42)
print(os.getuid(), os.getgroups())
"""
    assert run("RUN", "python3", "-c", code) == "42 42\n42 [8]\n"


def _program(target: str) -> str:
    """Return which program stands for a target of the page."""
    if target.endswith(".shell"):
        return "SHELL"
    if "_arm64" in target:
        return "EMULATED"
    return "RUN" if target.endswith(".run") else "IMAGE"


COMMANDS = [
    words
    for words in PAGE.commands
    if words[1] == "run" and not words[2].endswith((".load", ".push"))
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_of_the_page(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    arguments = [word.replace("$PWD", str(tmp_path)) for word in words[4:]]
    shown = run(_program(words[2]), *arguments, typed="print(1)" if not arguments else "")
    assert shown.strip()


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) > 4
    assert {_program(words[2]) for words in COMMANDS} == {"IMAGE", "RUN", "EMULATED", "SHELL"}
