"""Members of packages' archives, .deb and .apk alike, as a tree's paths and entries."""

from __future__ import annotations

import tarfile

from tools.rootfs.tree import Entry, Kind


def entry_of(info: tarfile.TarInfo, content: memoryview, package: str) -> tuple[str, Entry]:
    """The path (no leading slash; root is "") and the entry that a member stands for.

    Args:
        info: its header, checked by tools/formats/archives/tar.py: a file, directory or link.
        content: the bytes of a file, else empty.
        package: the entry's source.
    """
    kind: Kind
    target = ""
    if info.isdir():
        kind = "dir"
    elif info.issym():
        kind, target = "symlink", info.linkname
    elif info.islnk():
        kind, target = "hardlink", info.linkname
    else:
        kind = "file"
    path = "" if info.name == "." else info.name
    # A link's permissions mean nothing on Linux, which shows them as these.
    mode = 0o777 if kind == "symlink" else info.mode & 0o7777
    return path, Entry(kind, mode, info.uid, info.gid, int(info.mtime), target, content, package)
