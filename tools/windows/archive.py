"""Reading python.org's zip archive of a release for Windows."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from tools.packages.windows.windows_error import WindowsError
from tools.windows import names

_PROGRAM = "python.exe"


def _check(name: str, where: Path) -> None:
    if found := names.path_fault(name):
        raise WindowsError(f"{where}: {name!r} {found}")


def read(path: Path, version: str, leave_out: Sequence[str] = ()) -> dict[str, bytes]:
    """The archive's files by their path, sorted; nothing of `leave_out` (files and folders).

    Raises WindowsError for what isn't the archive of the `version`: python.exe and the DLL with the
    minor version's name have to be at its top.
    """
    found: dict[str, bytes] = {}
    spelled: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.infolist(), key=lambda member: member.filename):
                name = member.filename
                if member.is_dir():
                    continue
                _check(name, path)
                other = spelled.setdefault(names.folded(name), name)
                if other != name or name in found:
                    raise WindowsError(f"{path}: {other!r} and {name!r} are one file on Windows")
                if any(f"{name}/".startswith(f"{folder}/") for folder in leave_out):
                    continue
                found[name] = archive.read(member)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        raise WindowsError(f"{path}: can't be read as a zip archive: {error}") from None
    major, minor = version.split(".")[:2]
    for name in (_PROGRAM, f"python{major}{minor}.dll"):
        if name not in found:
            raise WindowsError(f"{path}: has no {name}: not python.org's zip archive of {version}")
    return found
