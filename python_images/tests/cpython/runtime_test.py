"""The CPython of an image runs on this machine, by the image's own libraries."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PYTHON = Path(os.environ["RUNTIME"]).absolute()


def run(code: str, *options: str) -> str:
    return subprocess.run(
        [PYTHON, *options, "-c", code], capture_output=True, check=True, text=True
    ).stdout


def test_it_is_installed_below_usr_local() -> None:
    prefix, executable = run("import sys; print(sys.prefix, sys.executable)").split()
    assert prefix.endswith(".root/usr/local")
    assert executable.endswith(".root/usr/local/bin/python3")


def test_its_libraries_are_the_images() -> None:
    code = "import ssl, sqlite3, zlib, lzma, ctypes; print(open('/proc/self/maps').read())"
    maps = run(code)
    libraries = {line.split()[-1] for line in maps.splitlines() if ".so" in line}
    assert any("/libssl.so" in library for library in libraries)
    assert not [library for library in libraries if ".root/" not in library]


def test_what_it_starts_is_itself() -> None:
    code = "import sys; print(sys.prefix)"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    assert run(starts) == run(code)


def test_pip_is_beside_it() -> None:
    assert run("import pip; print(pip.__file__)").endswith("/site-packages/pip/__init__.py\n")
