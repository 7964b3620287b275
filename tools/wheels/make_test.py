"""Wheels of source files: pip installs them, and they are the same every time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.wheels import make


def run(folder: Path, name: str = "greet_er-1.0-py3-none-any.whl") -> int:
    source = folder / "main.py"
    source.write_text("def main():\n    print('hello')\n")
    return make.main(
        [
            *(f"--output={folder / name}", "--distribution=greet.er", "--version=1.0"),
            *("--requires=click>=8", "--script=greet = greet:main"),
            *("--file", "greet/__init__.py", str(source)),
        ]
    )


def test_importlib_reads_it(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    code = (
        "import importlib.metadata as m; d = m.distribution('greet-er');"
        "assert (d.version, d.requires) == ('1.0', ['click>=8']);"
        "assert {str(f): f.hash and f.hash.mode for f in d.files}['greet/__init__.py'] == 'sha256';"
        "e, = d.entry_points; e.load()()"
    )
    wheel = str(tmp_path / "greet_er-1.0-py3-none-any.whl")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {wheel!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("hello\n", "")


def test_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    name = "greet_er-1.0-py3-none-any.whl"
    assert run(tmp_path / "a") == run(tmp_path / "b") == 0
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / name) as archive:
        assert archive.testzip() is None


def test_a_wrong_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "greeter.whl") == 1
    assert "has to be greet_er-1.0-py3-none-any.whl" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--version=1\nX: y"], "is no version"),
        (["--distribution=../x"], "is no name of a distribution"),
        (["--requires=x\nX: y"], "has a control character"),
        (["--script=x = import:class"], "'import' is no name in Python"),
        (["--script=x = a:b\ny = c:d"], "is not understood"),
        (["--file", "../x", "{file}"], "is outside of the tree"),
        (["--file", "greet/__init__.py/x", "{file}"], "lies below 'greet/__init__.py', a file"),
    ],
)
def test_wrong_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], why: str
) -> None:
    source = tmp_path / "main.py"
    source.write_text("")
    arguments = [
        *(f"--output={tmp_path}/greet-1.0-py3-none-any.whl", "--distribution=greet"),
        *("--version=1.0", "--file", "greet/__init__.py", str(source)),
        *(option.format(file=source) for option in options),
    ]
    assert make.main(arguments) == 1
    assert why in capsys.readouterr().err
