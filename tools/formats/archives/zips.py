"""Reading zip archives, such as wheels, strictly: the rules of rules.py, and a limit of bytes."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.formats.archives import rules
from tools.formats.archives.archive_error import ArchiveError

# What zipfile raises, beside its own error, for archives that make no sense to it.
_ODD = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OverflowError,
    LookupError, struct.error, zlib.error,
)  # fmt: skip
_ENCRYPTED = 0x1
_MEMBERS = 100_000


class File(NamedTuple):
    """A file: its path, its content, and whether its mode has it executable."""

    path: str
    data: bytes
    executable: bool


def files(path: Path, limit: int) -> Iterator[File]:
    """The files of a zip archive in its order; directories are left out.

    Args:
        path: the archive.
        limit: bytes that all files together may have.

    Raises:
        ArchiveError: it can't be read, is damaged, encrypted or too large, or a member isn't what
            rules.py asks for: links and devices aren't.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _check(infos, limit)
            for info in infos:
                if not info.is_dir():
                    data = archive.read(info)
                    yield File(info.filename, data, bool(info.external_attr >> 16 & 0o111))
    except OSError as error:
        raise ArchiveError(f"can't be read: {error.strerror or error}") from None
    except _ODD as error:
        raise ArchiveError(f"no proper zip archive: {error}") from None


def _check(infos: list[zipfile.ZipInfo], limit: int) -> None:
    if len(infos) > _MEMBERS:
        raise ArchiveError(f"{len(infos)} members")
    size = sum(info.file_size for info in infos)
    if size > limit:
        raise ArchiveError(f"unpacks to {size} bytes, more than {limit}")
    paths = rules.Paths()
    for info in infos:
        # zipfile cuts a name at a NUL; the name before that is the one to judge.
        name = info.orig_filename
        kind: rules.Kind = "dir" if info.is_dir() else "file"
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ArchiveError(f"member {name!r} is neither file nor directory")
        if info.flag_bits & _ENCRYPTED:
            raise ArchiveError(f"member {name!r} is encrypted")
        paths.add(rules.path(name, kind), kind)
