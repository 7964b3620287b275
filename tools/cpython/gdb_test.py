"""The layer with debugging information: gdb's extension in it, and what dwz leaves of the rest.

Programs are compiled here by the suite's gcc, and dwz is the one that builds use.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cpython import gdb
from tools.cpython.workspace import Toolchain, Workspace

TRIPLET = "x86_64-linux-gnu"
TOOLS = [part for path in os.environ["DEBUG_TOOLS"].split() for part in ("--tool", path)]
# Two files that have the same types, which dwz writes once.
HEADER = "".join(
    f"struct type{number} {{ long a{number}; struct type{max(number - 1, 0)} *b{number}; }};\n"
    for number in range(200)
)
FUNCTION = """\
#include "types.h"
long NAME(struct type199 *of)
{
    long found_in_NAME = of->a199;
    return found_in_NAME + of->b199->a198;
}
"""
PROGRAM = "usr/local/bin/python3.13"
EXTENSION = f"usr/share/gdb/auto-load/{PROGRAM}-gdb.py"


@pytest.fixture(scope="module", name="workspace")
def _workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    cc = Path(os.environ["CC"])
    with tarfile.open(cc) as archive:
        names = "\n".join(archive.getnames())
    found = re.search(rf"^usr/bin/{TRIPLET}-gcc-([0-9]+)$", names, re.MULTILINE)
    assert found is not None
    toolchain = Toolchain(
        cc, Path(os.environ["SYSROOT"]), Path(os.environ["HOST"]), TRIPLET, found[1], TRIPLET
    )
    with Workspace(tmp_path_factory.mktemp("gdb") / "work", toolchain, 1) as made:
        made.src.mkdir()
        yield made


@pytest.fixture(scope="module", name="library")
def _library(workspace: Workspace) -> bytes:
    """A library with debugging information."""
    files = []
    (workspace.src / "types.h").write_text(HEADER)
    for name in ("first", "second"):
        (workspace.src / f"{name}.c").write_text(FUNCTION.replace("NAME", name))
        files.append(f"{name}.c")
    workspace.run("compile", ["gcc", "-g", "-O2", "-shared", "-fPIC", *files, "-o", "library"])
    return (workspace.src / "library").read_bytes()


def layer_of(tmp_path: Path, files: dict[str, bytes]) -> tarfile.TarFile:
    """The layer that is made of an installation."""
    tmp_path.mkdir(exist_ok=True)
    source, script, out = (tmp_path / name for name in ("cpython.tar", "gdb.py", "out.tar"))
    with tarfile.open(source, "w") as archive:
        for name, data in files.items():
            (tmp_path / "file").write_bytes(data)
            info = archive.gettarinfo(tmp_path / "file", name)
            info.mtime, info.mode = 1234, 0o755
            with (tmp_path / "file").open("rb") as stream:
                archive.addfile(info, stream)
    script.write_text("import gdb\n")
    arguments = ["--cpython", source, "--gdb", script, "--epoch", "7", "--out", out]
    status = gdb.main([*map(str, arguments), "--work", str(tmp_path / "work"), *TOOLS])
    assert status == 0
    return tarfile.open(out)


def content(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    assert stream is not None
    return stream.read()


def dumped(workspace: Workspace, library: bytes, *options: str) -> str:
    (workspace.src / "dumped").write_bytes(library)
    return workspace.run("readelf", ["readelf", "-W", *options, "dumped"])


def test_gdb_finds_the_extension_by_the_program() -> None:
    files = [f"usr/local/bin/{name}" for name in ("python3.14", "python3.14-config", "pip3")]
    assert gdb.script_path(files) == "usr/share/gdb/auto-load/usr/local/bin/python3.14-gdb.py"
    threaded = [*files, "usr/local/bin/python3.14t", "usr/local/bin/python3.14t-config"]
    assert gdb.script_path(threaded) == gdb.script_path(files)
    with pytest.raises(gdb.GdbError, match="has 2 files"):
        gdb.script_path(["usr/local/bin/python3.13", "usr/local/bin/python3.14"])


def test_the_extension_is_appended_with_its_directories(tmp_path: Path) -> None:
    with layer_of(tmp_path, {PROGRAM: b"text"}) as archive:
        added = archive.getmembers()[1:]
        assert added[0].name == "usr"
        assert added[-1].name == EXTENSION
        assert {member.mtime for member in added} == {7}
        assert content(archive, EXTENSION) == b"import gdb\n"


def test_types_that_are_there_twice_are_written_once(
    tmp_path: Path, workspace: Workspace, library: bytes
) -> None:
    with layer_of(tmp_path, {PROGRAM: library, "usr/local/lib/os.py": b"text"}) as archive:
        smaller = content(archive, PROGRAM)
        assert content(archive, "usr/local/lib/os.py") == b"text"
        member = archive.getmember(PROGRAM)
    assert (member.mode, member.mtime) == (0o755, 1234)
    assert len(smaller) < len(library)
    before, after = (dumped(workspace, data, "--debug-dump=info") for data in (library, smaller))
    type_names = re.compile(r"\btype[0-9]+\b")
    assert len(type_names.findall(before)) > 1.9 * len(type_names.findall(after))
    assert set(type_names.findall(before)) == set(type_names.findall(after))
    for name in ("first", "second", "found_in_first", "found_in_second"):
        assert re.search(rf"\b{name}\b", after), name


def test_objects_are_left_alone(tmp_path: Path, workspace: Workspace, library: bytes) -> None:
    workspace.run("object", ["gcc", "-g", "-c", "first.c", "-o", "object"])
    made = (workspace.src / "object").read_bytes()
    with layer_of(tmp_path, {PROGRAM: library, "usr/local/lib/python.o": made}) as archive:
        assert content(archive, "usr/local/lib/python.o") == made


def test_all_else_in_a_program_stays(tmp_path: Path, workspace: Workspace, library: bytes) -> None:
    with layer_of(tmp_path, {PROGRAM: library}) as archive:
        smaller = content(archive, PROGRAM)
    for what in (["--segments"], ["--symbols"], ["--debug-dump=decodedline"], ["-x.text"]):
        assert dumped(workspace, smaller, *what) == dumped(workspace, library, *what), what


def test_the_same_each_time(tmp_path: Path, library: bytes) -> None:
    with (
        layer_of(tmp_path / "one", {PROGRAM: library}) as one,
        layer_of(tmp_path / "other", {PROGRAM: library}) as other,
    ):
        assert content(one, PROGRAM) == content(other, PROGRAM)


def test_debugging_information_that_cant_be_read_is_an_error(
    tmp_path: Path, workspace: Workspace, library: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    sections = dumped(workspace, library, "--sections")
    found = re.search(r"\.debug_abbrev +PROGBITS +[0-9a-f]+ ([0-9a-f]+)", sections)
    assert found is not None
    damaged = bytearray(library)
    start = int(found[1], 16)
    damaged[start : start + 50] = b"\xff" * 50
    with pytest.raises(AssertionError):
        layer_of(tmp_path, {PROGRAM: bytes(damaged)})
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path / 'cpython.tar'}: /usr/bin/dwz: failed with status")
    assert not (tmp_path / "out.tar").exists()
