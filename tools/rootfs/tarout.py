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


def write_tar(out: BinaryIO, entries: Iterable[tuple[str, Entry]]) -> dict[str, int]:
    """Writes an uncompressed GNU tar to `out`: sorted paths, hard links after all files.

    Owners are numeric only: names are the business of the image's own /etc/passwd.

    Returns where in the tar the content of each file begins.
    """
    offsets: dict[str, int] = {}
    at = 0
    listed = sorted(entries, key=lambda item: (item[1].kind == "hardlink", item[0]))
    for path, entry in listed:
        header = _header(path, entry)
        out.write(header)
        at += len(header)
        if entry.kind == "file":
            offsets[path] = at
            out.write(entry.content)
            padding = bytes(-len(entry.content) % _BLOCK)
            out.write(padding)
            at += len(entry.content) + len(padding)
    out.write(bytes(2 * _BLOCK))
    return offsets


def _header(path: str, entry: Entry) -> bytes:
    info = tarfile.TarInfo(path + "/" if entry.kind == "dir" and path else path or "./")
    info.type = _TYPE[entry.kind]
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
    info.linkname = entry.target
    info.size = len(entry.content) if entry.kind == "file" else 0
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
