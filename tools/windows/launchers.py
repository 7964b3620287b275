r"""pip's programs (Scripts\pip.exe ...), which the zip archive lacks and the installer makes.

Such a program is a launcher that pip itself carries, the path of the interpreter, and a zip archive
with the script: the form of distlib, which pip uses for what it installs.
"""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from tools.packages.windows.windows_error import WindowsError

_PACKAGES = "Lib/site-packages"
_BUNDLED = re.compile(r"Lib/ensurepip/_bundled/pip-[^/]+\.whl")
_LAUNCHER = f"{_PACKAGES}/pip/_vendor/distlib/t64.exe"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_SCRIPT = """\
import sys
from {module} import {function}
if __name__ == "__main__":
    sys.argv[0] = sys.argv[0].removesuffix(".exe")
    sys.exit({function}())
"""


def program(launcher: bytes, interpreter: str, target: str) -> bytes:
    """A program that runs `target` (module:function) with the interpreter at that path."""
    module, _, function = target.partition(":")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        member = zipfile.ZipInfo("__main__.py", _FIRST_DAY)
        member.create_system = 0
        archive.writestr(member, _SCRIPT.format(module=module, function=function))
    return launcher + f"#!{interpreter}\r\n".encode() + packed.getvalue()


def _installed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of pip, from its wheel, if the archive has it only there."""
    if f"{_PACKAGES}/pip/__init__.py" in files:
        return {}
    wheels = [name for name in files if _BUNDLED.fullmatch(name)]
    if len(wheels) != 1:
        raise WindowsError(f"the archive has neither {_PACKAGES}/pip nor one wheel of it")
    with zipfile.ZipFile(io.BytesIO(files[wheels[0]])) as wheel:
        return {f"{_PACKAGES}/{name}": wheel.read(name) for name in wheel.namelist()}


def _record_line(name: str, data: bytes) -> tuple[str, str, str]:
    """The line of a RECORD; `name` is relative to its folder of packages."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return (name, f"sha256={digest}", str(len(data)))


def _record(data: bytes, programs: Mapping[str, bytes]) -> bytes:
    """A RECORD with the programs, so that pip can replace them; sorted."""
    rows = {row[0]: tuple(row) for row in csv.reader(io.StringIO(data.decode())) if row}
    for name, content in programs.items():
        line = _record_line(f"../../{name}", content)
        rows[line[0]] = line
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows[name] for name in sorted(rows))
    return out.getvalue().encode()


def add_pip(files: Mapping[str, bytes], interpreter: str, version: str) -> dict[str, bytes]:
    """The files with pip's programs as the installer makes them: pip, pip3, pip3.14.

    Raises WindowsError where the archive has no pip, or one of an unknown form.
    """
    found = {**files, **_installed(files)}
    metadata = [
        str(PurePosixPath(name).parent)
        for name in found
        if re.fullmatch(rf"{_PACKAGES}/pip-[^/]+\.dist-info/entry_points\.txt", name)
    ]
    if len(metadata) != 1:
        raise WindowsError(f"{len(metadata)} versions of pip in {_PACKAGES}, where one is expected")
    points = configparser.ConfigParser(delimiters=("=",))
    points.read_string(found[f"{metadata[0]}/entry_points.txt"].decode())
    target = points.get("console_scripts", "pip", fallback="")
    if not re.fullmatch(r"[\w.]+:\w+", target):
        raise WindowsError(f"{metadata[0]}/entry_points.txt names no program pip: {target!r}")
    if _LAUNCHER not in found:
        raise WindowsError(f"{_LAUNCHER} is missing: pip carries no launcher for its programs")
    minor = ".".join(version.split(".")[:2])
    made = program(found[_LAUNCHER], interpreter, target)
    programs = {f"Scripts/{name}.exe": made for name in ("pip", "pip3", f"pip{minor}")}
    record = f"{metadata[0]}/RECORD"
    return {**found, **programs, record: _record(found.get(record, b""), programs)}
