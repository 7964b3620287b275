"""Stripping the ELF files in a tar, with a stand-in for the program that does it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tools.cpython.strip import strip, unpack_strip
from tools.formats import elf

SCRIPT = """\
#!/bin/sh
[ "$1" = --strip-all ] || exit 2
shift
for file; do printf stripped > "$file"; done
"""


def add(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime, info.uname = len(data), mode, 1234, "root"
    archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def cpython(tmp_path: Path) -> Path:
    path = tmp_path / "cpython.tar"
    with tarfile.open(path, "w") as archive:
        add(archive, "usr/lib/libpython.so", elf.MAGIC + b"x" * 100, 0o755)
        add(archive, "usr/lib/os.py", b"text")
        add(archive, "usr/lib/empty", b"")
        link = tarfile.TarInfo("usr/bin/python")
        link.type, link.linkname = tarfile.SYMTYPE, "python3"
        archive.addfile(link)
    return path


def program(tmp_path: Path, script: str) -> Path:
    path = tmp_path / "strip"
    path.write_text(script)
    path.chmod(0o755)
    return path


def test_only_elf_files_change(tmp_path: Path, cpython: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "out.tar"
    scratch.mkdir()
    strip(cpython, program(tmp_path, SCRIPT), scratch, out)
    with tarfile.open(out) as archive:
        members = archive.getmembers()
        contents = {m.name: archive.extractfile(m).read() for m in members if m.isreg()}  # type: ignore[union-attr]
    assert contents == {
        "usr/lib/libpython.so": b"stripped",
        "usr/lib/os.py": b"text",
        "usr/lib/empty": b"",
    }
    assert [m.name for m in members][-1] == "usr/bin/python"
    assert (members[0].mode, members[0].mtime, members[0].uname) == (0o755, 1234, "root")
    assert members[-1].linkname == "python3"


def test_failure_writes_nothing(tmp_path: Path, cpython: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "out.tar"
    scratch.mkdir()
    with pytest.raises(subprocess.CalledProcessError):
        strip(cpython, program(tmp_path, "#!/bin/sh\nexit 1\n"), scratch, out)
    assert not out.exists()


def test_nothing_to_strip(tmp_path: Path) -> None:
    empty, out = tmp_path / "empty.tar", tmp_path / "out.tar"
    with tarfile.open(empty, "w"):
        pass
    strip(empty, tmp_path / "missing", tmp_path, out)
    with tarfile.open(out) as archive:
        assert archive.getnames() == []


def test_only_strip_is_unpacked(tmp_path: Path) -> None:
    archive_path = tmp_path / "cc.tar"
    names = [
        "usr/bin/x-linux-gnu-strip",
        "usr/bin/x-linux-gnu-strip.launch",
        "usr/bin/x-linux-gnu-strip.real",
        "usr/lib/x86_64-linux-gnu/libbfd.so",
        "usr/lib64/ld.so",
    ]
    with tarfile.open(archive_path, "w") as archive:
        for name in [*names, "usr/lib/gcc/x/12/cc1", "usr/bin/x-linux-gnu-ld"]:
            add(archive, name, b"", 0o755)
    path = unpack_strip(archive_path, tmp_path / "out", "x-linux-gnu")
    assert path == tmp_path / "out" / names[0]
    found = (p for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert sorted(str(p.relative_to(tmp_path / "out")) for p in found) == sorted(names)
