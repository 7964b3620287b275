"""Members of packages' archives, .deb and .apk alike, as a tree's paths and entries."""

from __future__ import annotations

import tarfile

from tools.rootfs.errors import RootfsError
from tools.rootfs.tree import Entry, Kind


def entry_of(
    archive: str, info: tarfile.TarInfo, content: memoryview, package: str
) -> tuple[str, Entry]:
    """The path (no leading slash; root is "") and the entry that a member stands for.

    Args:
        archive: what it's in, for messages.
        info: its header; the name has no leading "./", and "." is the root.
        content: the bytes of a file, else empty.
        package: the entry's source.

    Raises:
        RootfsError: it's neither file, directory nor link.
    """
    kind: Kind
    target = ""
    if info.isdir():
        kind = "dir"
    elif info.isreg():
        kind = "file"
    elif info.issym():
        kind, target = "symlink", info.linkname
    elif info.islnk():
        kind, target = "hardlink", info.linkname.removeprefix("./")
    else:
        raise RootfsError(
            f"{archive}: {info.name}",
            f"is of tar type {info.type!r}, neither file, directory nor link",
            "Container images have no devices or pipes: drop the package.",
        )
    path = "" if info.name == "." else info.name
    # A link's permissions mean nothing on Linux, which shows them as these.
    mode = 0o777 if kind == "symlink" else info.mode & 0o7777
    return path, Entry(kind, mode, info.uid, info.gid, int(info.mtime), target, content, package)
