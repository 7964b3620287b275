"""A toolchain works wherever it is unpacked, uses nothing of the machine, and is deterministic."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cpython.workspace import BuildError, Toolchain, Workspace
from tools.formats import elf

GNU = os.environ["GNU"]
MACHINE = int(os.environ["MACHINE"])  # e_machine, of the ELF specification
TOOLCHAIN = Toolchain(
    Path(os.environ["CC"]),
    Path(os.environ["SYSROOT"]),
    Path(os.environ["HOST"]),
    os.environ["TRIPLET"],
    os.environ["GCC"],
    GNU,
)
SOURCE = """\
#include <stdio.h>
#include <zlib.h>
int main(void)
{
    printf("%s %s %s\\n", zlibVersion(), __FILE__, __DATE__);
    return 0;
}
"""


def unpack(root: Path) -> Workspace:
    workspace = Workspace(root, TOOLCHAIN, 1_000_000_000)
    workspace.src.mkdir()
    (workspace.src / "hello.c").write_text(SOURCE)
    return workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with unpack(tmp_path_factory.mktemp("here") / "work") as made:
        yield made


def compiled(workspace: Workspace, *options: str) -> bytes:
    path = workspace.src.absolute() / "hello.c"
    workspace.run("compile", ["gcc", "-g", "-O2", *options, path, "-lz", "-o", "hello"])
    return (workspace.src / "hello").read_bytes()


def test_programs_are_the_targets(workspace: Workspace) -> None:
    header = elf.read_elf(compiled(workspace))
    assert header is not None
    assert header.machine == MACHINE
    assert header.interpreter is not None


def test_bytes_do_not_depend_on_the_place(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compiled(workspace)
    assert str(workspace.root).encode() not in first
    assert b"Sep  9 2001" in first  # the given epoch, not today
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("CPATH", "/usr/include")
    with unpack(tmp_path / "a longer/way" / "to work") as elsewhere:
        assert compiled(elsewhere) == first


def test_headers_and_libraries_are_the_sysroots(workspace: Workspace) -> None:
    workspace.run("trace", ["gcc", "-H", "-Wl,--trace", "hello.c", "-lz", "-o", "hello"])
    text = (workspace.log / "trace").read_text()
    used = {
        os.path.normpath(word)
        for line in text.splitlines()
        for word in line.split()
        if word.startswith("/")
    }
    sysroot = f"{workspace.root}/sysroot/"
    own = (f"{workspace.root}/cc/usr/lib/gcc", f"{workspace.root}/home/")
    assert f"{sysroot}usr/include/zlib.h" in used
    assert any(path.endswith("/libz.so") for path in used)
    others = [path for path in used if not path.startswith((sysroot, *own))]
    # A native gcc keeps its own shared libgcc among its programs' libraries.
    assert {Path(path).name for path in others} <= {"libgcc_s.so.1"}


def test_programs_are_those_unpacked(workspace: Workspace) -> None:
    text = workspace.run("where", ["gcc", "-print-prog-name=cc1"])
    assert text.startswith(f"{workspace.root}/cc/usr/")
    (workspace.src / "Makefile").write_text(
        "all:\n\t@for name in gcc ld make pkg-config sed; do command -v $$name; done\n"
    )
    found = workspace.run("which", ["make", f"SHELL={workspace.bin}/sh"]).split()
    assert len(found) == 5
    assert {Path(path).parent for path in found} <= {workspace.bin, Path()}


def test_failures_show_the_step_and_its_output(workspace: Workspace) -> None:
    (workspace.src / "bad.c").write_text("#error no way\n")
    with pytest.raises(BuildError, match=r"(?s)bad failed with exit code 1: .*no way"):
        workspace.run("bad", ["gcc", "-c", "bad.c"])


def test_archives_must_be_the_targets(tmp_path: Path) -> None:
    other = dataclasses.replace(TOOLCHAIN, gnu="vax-linux-gnu")
    with pytest.raises(BuildError, match="no cc/usr/bin/vax-linux-gnu-ar"):
        Workspace(tmp_path / "work", other, 0)
