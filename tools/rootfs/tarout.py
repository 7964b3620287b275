"""Writes entries as a tar archive whose bytes depend on nothing but the entries."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from typing import BinaryIO

from tools.rootfs.tree import Entry

_TYPE = {
    "dir": tarfile.DIRTYPE,
    "file": tarfile.REGTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
}
_BLOCK = 512


class Tar:
    """An uncompressed GNU tar: sorted paths, hard links after all files.

    Owners are numeric only: names are the business of the image's own /etc/passwd.

    Attributes:
        offsets: where in the tar the content of each file begins, by path.
    """

    def __init__(self, entries: Iterable[tuple[str, Entry]]) -> None:
        self.offsets: dict[str, int] = {}
        self._parts: list[bytes | memoryview] = []
        at = 0
        for path, entry in sorted(entries, key=lambda item: (item[1].kind == "hardlink", item[0])):
            header = _header(path, entry)
            self._parts.append(header)
            at += len(header)
            if entry.kind == "file":
                self.offsets[path] = at
                padding = bytes(-len(entry.content) % _BLOCK)
                self._parts += [entry.content, padding]
                at += len(entry.content) + len(padding)
        self._parts.append(bytes(2 * _BLOCK))

    def write(self, out: BinaryIO) -> None:
        """Write the archive."""
        for part in self._parts:
            out.write(part)


def write_tar(out: BinaryIO, entries: Iterable[tuple[str, Entry]]) -> None:
    """Write entries as a Tar."""
    Tar(entries).write(out)


def _header(path: str, entry: Entry) -> bytes:
    info = tarfile.TarInfo(path + "/" if entry.kind == "dir" and path else path or "./")
    info.type = _TYPE[entry.kind]
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
    info.linkname = entry.target
    info.size = len(entry.content) if entry.kind == "file" else 0
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
