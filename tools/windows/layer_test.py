"""Python's layer: its form, what is in it, pip's programs, and archives that aren't right."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools.packages.windows.windows_error import WindowsError
from tools.windows import archive, launchers, layer, security
from tools.windows.windows_fixtures import pip_files, python_files, write_zip

EPOCH = 1785888000
LEAVE_OUT = ["__install__.json", "Doc", "Lib/test"]


def made(folder: Path, files: dict[str, bytes], version: str = "3.14.7") -> bytes:
    """The layer of an archive with these files."""
    source = write_zip(folder / "python.zip", files)
    arguments = [f"--archive={source}", f"--version={version}", f"--epoch={EPOCH}"]
    arguments += [f"--leave-out={name}" for name in LEAVE_OUT]
    assert layer.main([*arguments, f"--output={folder / 'layer.tar'}"]) == 0
    return (folder / "layer.tar").read_bytes()


def members(tar: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        return {member.name: member for member in opened}


def content(tar: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        file = opened.extractfile(name)
        assert file is not None
        return file.read()


def test_the_form_of_windows_layers(tmp_path: Path) -> None:
    found = members(made(tmp_path, python_files()))
    assert list(found)[:3] == ["Files", "Files/Python", "Files/Python/LICENSE.txt"]
    assert list(found)[-1] == "Hives"
    for name, member in found.items():
        records = member.pax_headers
        assert records["MSWINDOWS.fileattr"] == ("16" if member.isdir() else "32")
        assert {float(records[key]) for key in ("atime", "ctime", "LIBARCHIVE.creationtime")} == {
            EPOCH
        }
        assert member.mtime == EPOCH
        if name in ("Files", "Hives"):
            assert "MSWINDOWS.rawsd" not in records
        else:
            wanted = security.FOLDER if member.isdir() else security.FILE
            assert base64.b64decode(records["MSWINDOWS.rawsd"]) == wanted


def test_each_folder_comes_before_what_is_in_it(tmp_path: Path) -> None:
    seen: set[str] = set()
    for name in members(made(tmp_path, python_files())):
        assert "/" not in name or name.rpartition("/")[0] in seen
        assert name not in seen
        seen.add(name)


def test_what_is_left_out(tmp_path: Path) -> None:
    found = members(made(tmp_path, {**python_files(), "Lib/tester.py": b"", "Docs.txt": b""}))
    assert "Files/Python/Lib/os.py" in found
    assert "Files/Python/Lib/tester.py" in found
    assert "Files/Python/Docs.txt" in found
    assert not [name for name in found if "Doc/" in name or "Lib/test/" in name]
    assert "Files/Python/Lib/test" not in found
    assert "Files/Python/__install__.json" not in found


def test_pips_programs(tmp_path: Path) -> None:
    tar = made(tmp_path, python_files())
    scripts = [name for name in members(tar) if name.startswith("Files/Python/Scripts/")]
    assert [name.rpartition("/")[2] for name in scripts] == ["pip.exe", "pip3.14.exe", "pip3.exe"]
    for name in scripts:
        program = content(tar, name)
        assert program.startswith(b"MZ launcher#!C:\\Python\\python.exe\r\nPK")
        with zipfile.ZipFile(io.BytesIO(program)) as packed:
            script = packed.read("__main__.py").decode()
        assert "from pip._internal.cli.main import main" in script
        compile(script, "__main__.py", "exec")
    record = content(tar, "Files/Python/Lib/site-packages/pip-26.2.dist-info/RECORD").decode()
    digest = hashlib.sha256(content(tar, scripts[0])).digest()
    told = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    size = len(content(tar, scripts[0]))
    assert f"../../Scripts/pip.exe,sha256={told},{size}\n" in record
    assert "pip/__init__.py,sha256=x,0\n" in record


def test_pip_from_its_wheel(tmp_path: Path) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, data in pip_files().items():
            packed.writestr(name, data)
    files = {name: data for name, data in python_files().items() if "site-packages" not in name}
    files["Lib/ensurepip/_bundled/pip-26.2-py3-none-any.whl"] = wheel.getvalue()
    assert members(made(tmp_path, files)).keys() >= {
        "Files/Python/Lib/site-packages/pip/__init__.py",
        "Files/Python/Scripts/pip.exe",
    }


def test_the_same_bytes_however_the_archive_is_packed(tmp_path: Path) -> None:
    first = made(tmp_path, python_files())
    other = tmp_path / "other"
    other.mkdir()
    assert made(other, dict(reversed(python_files().items()))) == first


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "has no python.exe: not python.org's zip archive of 3.14.7"),
        (python_files("3.13.15"), "has no python314.dll"),
        ({**python_files(), "../evil.dll": b""}, "can't be a file's name on Windows"),
        ({**python_files(), "/evil.dll": b""}, "can't be a file's name on Windows"),
        ({**python_files(), "C:/evil.dll": b""}, "can't be a file's name on Windows"),
        ({**python_files(), "Lib/aux.py": b""}, "can't be a file's name on Windows"),
        ({**python_files(), "Python.exe": b""}, "are one file on Windows"),
        (
            {name: data for name, data in python_files().items() if "packages" not in name},
            "neither Lib/site-packages/pip nor one wheel",
        ),
        (
            {name: data for name, data in python_files().items() if "t64.exe" not in name},
            "pip carries no launcher",
        ),
        (
            {name: data for name, data in python_files().items() if "entry_points" not in name},
            "0 versions of pip",
        ),
    ],
)
def test_a_wrong_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, bytes], said: str
) -> None:
    source = write_zip(tmp_path / "python.zip", files)
    output = tmp_path / "layer.tar"
    arguments = [f"--archive={source}", "--version=3.14.7", "--epoch=0", f"--output={output}"]
    assert layer.main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"windows layer: {source}: ")
    assert said in told
    assert not output.exists()


def test_no_archive_at_all(tmp_path: Path) -> None:
    file = tmp_path / "python.zip"
    file.write_bytes(b"<html>")
    with pytest.raises(WindowsError, match="can't be read as a zip archive"):
        archive.read(file, "3.14.7")


def test_a_program_names_its_interpreter() -> None:
    program = launchers.program(b"MZ", "D:\\x\\python.exe", "a.b:c")
    assert program.startswith(b"MZ#!D:\\x\\python.exe\r\nPK")
    assert program == launchers.program(b"MZ", "D:\\x\\python.exe", "a.b:c")
