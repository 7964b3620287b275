"""Byte code of a small library, written by a real build python."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from tools.cpython import bytecode

BUILD_PYTHON = Path(os.environ["BUILD_PYTHON"]).absolute()
SOURCE = Path(os.environ["SOURCE"]).absolute()
LIBRARY = "usr/local/lib/python3.14"
# Left out, to save time.
BULKY = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "pydoc_data", "site-packages")
UNCHECKED_HASH = 1


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_only_the_standard_librarys_modules_are_unpacked(tmp_path: Path) -> None:
    files = {f"{LIBRARY}/os.py": b"", f"{LIBRARY}/x.so": b"", "usr/local/bin/x.py": b""}
    library = bytecode.unpack(archive(tmp_path / "cpython.tar", files), tmp_path / "root")
    assert library == tmp_path / "root" / LIBRARY
    assert [path.name for path in library.iterdir()] == ["os.py"]
    assert not (tmp_path / "root/usr/local/bin").exists()


def test_an_installation_without_a_library_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "cpython.tar", {"usr/local/bin/x.py": b""})
    with pytest.raises(bytecode.BytecodeError, match="0 standard libraries"):
        bytecode.unpack(path, tmp_path / "root")


def test_the_layer_has_byte_code_and_its_directories(tmp_path: Path) -> None:
    cache = tmp_path / "root" / LIBRARY / "__pycache__"
    cache.mkdir(parents=True)
    (cache / "os.cpython-314.pyc").write_bytes(b"code")
    (cache.parent / "os.py").touch()
    out = tmp_path / "out.tar"
    assert bytecode.write(tmp_path / "root", out, 1234) == 1
    with tarfile.open(out) as tar:
        found = [(member.name, member.mode, member.mtime, member.uid) for member in tar]
    assert found == [
        (f"{LIBRARY}/__pycache__", 0o755, 1234, 0),
        (f"{LIBRARY}/__pycache__/os.cpython-314.pyc", 0o644, 1234, 0),
    ]


def installed(root: Path) -> Path:
    """The standard library of the release's source, as if installed below `root`; its directory."""
    library = root / LIBRARY
    with tarfile.open(SOURCE) as tar:
        for member in tar:
            _, _, path = member.name.partition("/Lib/")
            if path.endswith(".py") and path.partition("/")[0] not in BULKY:
                member.name = path
                tar.extract(member, library, filter="data")
    return library


def test_byte_code_is_the_same_wherever_it_is_written(tmp_path: Path) -> None:
    layers = []
    for name in ("one", "another-that-is-longer"):
        root = tmp_path / name
        bytecode.compile_all(BUILD_PYTHON, installed(root), root)
        out = tmp_path / f"{name}.tar"
        assert bytecode.write(root, out, 1234) > 500
        layers.append(out.read_bytes())
    assert layers[0] == layers[1]
    code = (tmp_path / "one" / LIBRARY / "__pycache__/argparse.cpython-314.pyc").read_bytes()
    assert int.from_bytes(code[4:8], "little") == UNCHECKED_HASH
    assert b"/usr/local/lib/python3.14/argparse.py" in code
    assert str(tmp_path).encode() not in layers[0]


def test_a_module_that_does_not_compile_is_an_error(tmp_path: Path) -> None:
    library = installed(tmp_path)
    (library / "broken.py").write_text("def\n")
    with pytest.raises(bytecode.BytecodeError, match=r"broken\.py"):
        bytecode.compile_all(BUILD_PYTHON, library, tmp_path)
