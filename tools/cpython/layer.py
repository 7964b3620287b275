"""The installed files: what docker-library removes, and deterministic tar archives of the rest."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

_REMOVED_DIRECTORIES = ("test", "tests", "idle_test")
_REMOVED_FILES = ("*.pyc", "*.pyo", "libpython*.a")


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """An empty directory of that name, removed at the end; absolute."""
    path = path.absolute()
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def prune(root: Path) -> None:
    """Remove what docker-library removes from an installation: tests, byte code, static library.

    Args:
        root: the directory that stands for /usr/local.
    """
    for directory, names, files in os.walk(root):
        for name in [name for name in names if name in _REMOVED_DIRECTORIES]:
            path = Path(directory, name)
            if not path.is_symlink():
                shutil.rmtree(path)
                names.remove(name)
        for name in files:
            if any(fnmatchcase(name, pattern) for pattern in _REMOVED_FILES):
                path = Path(directory, name)
                if not path.is_symlink():
                    path.unlink()


def kept_tests(makefile: str) -> list[str]:
    """Return the directories of tests that prune would leave.

    Args:
        makefile: a configured Makefile.
    """
    found = re.search(r"(?m)^TESTSUBDIRS=((?:.*\\\n)*.*)$", makefile)
    words = found[1].replace("\\\n", " ").split() if found else []
    return [word for word in words if not {*word.split("/")} & {*_REMOVED_DIRECTORIES}]


def normalized(info: tarfile.TarInfo, epoch: int) -> tarfile.TarInfo:
    """The archive member as root:root (0:0) and with the time `epoch`, in place."""
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    info.mtime = epoch
    info.pax_headers = {}
    return info


def write(root: Path, out: Path, epoch: int) -> None:
    """Write everything below `root` as an uncompressed tar with deterministic bytes.

    Members are sorted by path and named relative to `root`, directories included.

    Args:
        root: directory that stands for /.
        out: the tar to write.
        epoch: modification time of every member, seconds since 1970.
    """
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).parts):
            info = normalized(archive.gettarinfo(path, str(path.relative_to(root))), epoch)
            if info.islnk():  # a second name of the same file: write the bytes again
                info.type = tarfile.REGTYPE
                info.size = path.stat().st_size
            if info.isreg():
                with path.open("rb") as data:
                    archive.addfile(info, data)
            else:
                archive.addfile(info)
