"""Counts the instructions a program executes, which hardly depend on what else the machine does.

For this machine's programs valgrind counts (package valgrind), for arm64's qemu-user with a plugin
of ours (packages qemu-user and gcc; Debian bookworm's qemu takes plugins, trixie's doesn't). They
say nothing of how fast each instruction is.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_IREFS = re.compile(r"I\s+refs:\s+([\d,]+)")
_VERSION = re.compile(r"version (\d+)\.")
_VALGRIND = (
    "valgrind",
    "--tool=cachegrind",
    "--cache-sim=no",
    "--cachegrind-out-file=/dev/null",
)
_NEEDS = {"amd64": ("valgrind",), "arm64": ("qemu-aarch64", "gcc")}


def missing(platform: str) -> list[str]:
    """The programs that counting for a platform needs and this machine hasn't."""
    return [program for program in _NEEDS[platform] if not shutil.which(program)]


def run(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> str:
    """Run a program; what it says.

    Raises:
        SystemExit: it failed; the text has the end of what it said.
    """
    result = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        words = " ".join(map(str, command))
        raise SystemExit(f"bench: {words} failed:\n{result.stdout[-2000:]}")
    return result.stdout


def native(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
    """The instructions of a program of this machine, which valgrind counts.

    Args:
        command: the program and its arguments.
        environment: its whole environment.
        folder: where it starts.

    Raises:
        SystemExit: it failed, or valgrind counted nothing.
    """
    output = run([*_VALGRIND, *command], environment, folder)
    counted = _IREFS.search(output)
    if counted is None:
        raise SystemExit(f"bench: valgrind counted nothing:\n{output[-2000:]}")
    return int(counted[1].replace(",", ""))


def interface(version: str) -> int:
    """The version of qemu's interface for plugins, of what `qemu-aarch64 --version` says.

    Raises:
        SystemExit: that isn't in it.
    """
    found = _VERSION.search(version)
    if found is None:
        raise SystemExit(f"bench: not a version of qemu: {version!r}")
    return 1 if int(found[1]) < 9 else 2


def plugin(emulator: str, out: Path) -> None:
    """Compile the plugin that counts, for this emulator.

    Raises:
        SystemExit: it takes no plugins, or gcc failed.
    """
    environment = {"PATH": "/usr/bin:/bin"}
    if "-plugin" not in run([emulator, "--help"], environment, out.parent):
        raise SystemExit(f"bench: {emulator} has no -plugin: take a build of qemu-user that has it")
    version = interface(run([emulator, "--version"], environment, out.parent))
    source = Path(__file__).with_name("count.c")
    options = ["-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={version}"]
    run(["gcc", *options, source.absolute(), "-o", out], environment, out.parent)


def emulated(
    emulator: Sequence[str], command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> int:
    """The instructions of another platform's program, which qemu-user counts.

    Args:
        emulator: qemu-user, and its options.
        command: the program and its arguments.
        environment: its whole environment.
        folder: where it starts.

    Raises:
        SystemExit: it failed, or qemu's plugin counted nothing.
    """
    with tempfile.TemporaryDirectory(prefix="count-") as scratch:
        counter, count = Path(scratch, "count.so"), Path(scratch, "count")
        plugin(emulator[0], counter)
        counting = ["-plugin", f"{counter},out={count}"]
        output = run([emulator[0], *counting, *emulator[1:], *command], environment, folder)
        if not count.exists():
            raise SystemExit(f"bench: qemu's plugin counted nothing:\n{output[-2000:]}")
        return int(count.read_text())
