"""Wheels as layers: where their files go, and that pip takes them for installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools.wheels import layer

INFO = "greet-1.0.dist-info"
FILES = {
    "greet/__init__.py": "def main():\n    print('hello')\n",
    "greet/data/words.txt": "hello",
    "greet-1.0.data/scripts/greet-old": "#!python\nprint(1)\n",
    "greet-1.0.data/data/share/greet.txt": "x",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": "[console_scripts]\ngreet = greet:main\n",
    f"{INFO}/RECORD": "",
}


def wheel(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_files_go_where_pip_would_put_them(tmp_path: Path) -> None:
    source = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES)
    layer.write([source], "3.13", tmp_path / "a.tar")
    layer.write([source], "3.13", tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        modes = {info.name: info.mode for info in tar if info.isfile()}
        folders = {info.name for info in tar if info.isdir()}
        assert {(info.uid, info.gid, info.mtime) for info in tar} == {(0, 0, layer.EPOCH)}
    site = "usr/local/lib/python3.13/site-packages"
    assert {path for path, mode in modes.items() if mode == 0o755} == {
        "usr/local/bin/greet",
        "usr/local/bin/greet-old",
    }
    assert f"{site}/greet/data/words.txt" in modes
    assert "usr/local/share/greet.txt" in modes
    # The image's own folders are not named: their modes stay.
    assert folders == {
        f"{site}/greet",
        f"{site}/greet/data",
        f"{site}/{INFO}",
        "usr/local/share",
    }


def test_pip_takes_it_for_installed(tmp_path: Path) -> None:
    source = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES)
    layer.write([source], "3.13", tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        tar.extractall(tmp_path / "root", filter="data")
    code = (
        "import importlib.metadata as m; d = m.distribution('greet');"
        "assert d.version == '1.0' and d.read_text('INSTALLER') == 'bazel\\n';"
        "assert all(f.locate().is_file() for f in d.files), d.files;"
        "e, = d.entry_points; e.load()()"
    )
    site = tmp_path / "root/usr/local/lib/python3.13/site-packages"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("hello\n", "")
    script = (tmp_path / "root/usr/local/bin/greet").read_text()
    assert script.startswith("#!/usr/local/bin/python3.13\n")
    assert (tmp_path / "root/usr/local/bin/greet-old").read_text().startswith("#!/usr/local/bin/py")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.py": ""}, "not a wheel, it has 0 .dist-info folders"),
        (FILES | {"b-1.dist-info/METADATA": ""}, "not a wheel, it has 2 .dist-info folders"),
        (FILES | {"../evil.py": ""}, "'../evil.py' leaves the wheel's folder"),
        (FILES | {"greet-1.0.data/headers/x.h": ""}, "x.h' has no place in an image"),
        (
            FILES | {f"{INFO}/entry_points.txt": "[console_scripts]\ngreet = greet main\n"},
            "the entry point greet = greet main is not understood",
        ),
    ],
)
def test_wrong_wheels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], why: str
) -> None:
    source = wheel(tmp_path / "greet-1.0-py3-none-any.whl", files)
    assert layer.main(["--python=3.13", f"--output={tmp_path / 'x'}", str(source)]) == 1
    assert why in capsys.readouterr().err


def test_two_wheels_with_one_file(tmp_path: Path) -> None:
    one = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES)
    other = {"greet/__init__.py": "", "x-1.dist-info/METADATA": ""}
    two = wheel(tmp_path / "x-1-py3-none-any.whl", other)
    with pytest.raises(layer.WheelError, match=r"x-1-py3-none-any\.whl and greet-1\.0"):
        layer.write([one, two], "3.13", tmp_path / "x.tar")
