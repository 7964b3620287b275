"""Layers of an image that are none of packages, as part of the system: such as CPython's."""

from __future__ import annotations

import mmap
import posixpath
import tarfile
from pathlib import Path

from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry, Kind, Tree

# A tar's number, the lowest layer's first, where in it the content begins, and its size.
Place = tuple[int, int, int]

# Where a tar that isn't compressed says that it is one.
_MAGIC = slice(257, 262)
_HIDDEN = ".wh."
_OPAQUE = ".wh..wh..opq"
_SOURCE = "a layer of the image"


def mapped(path: Path) -> memoryview:
    """The bytes of a file, read through the page cache."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def lay_upon(
    tree: Tree, places: dict[str, Place], path: Path, number: int, data: memoryview
) -> None:
    """Add what a layer has to a tree, as an engine that unpacks it.

    Args:
        tree: of the layers below.
        places: where contents of files are, by path; added to.
        path: the layer's tar, which may be compressed.
        number: the layer's, the lowest is 0.
        data: the tar's bytes.

    Raises:
        RootfsError: the layer can't be read, or has what is neither file, directory nor link.
    """
    try:
        with tarfile.open(path) as tar:
            layer = (number, data if bytes(data[_MAGIC]) == b"ustar" else None)
            for info in tar:
                _take(tree, places, tar, info, layer)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise RootfsError(
            str(path),
            f"can't be read as a layer: {error}",
            "Give an uncompressed tar, or one compressed by gzip.",
        ) from None


def _take(
    tree: Tree,
    places: dict[str, Place],
    tar: tarfile.TarFile,
    info: tarfile.TarInfo,
    layer: tuple[int, memoryview | None],
) -> None:
    path = tree.normalise(posixpath.normpath(info.name))
    folder, _, name = path.rpartition("/")
    if name.startswith(_HIDDEN):
        _hide(tree, folder, name)
        return
    old = tree.get(path)
    if info.isdir() and old is not None and old.kind == "dir" and path:
        tree.entries[path] = _entry(info, "dir")
    elif path:
        if old is not None and old.kind == "dir":
            tree.remove(path)
        places.pop(path, None)
        tree.entries[path] = _read(tar, info, layer, places, path)


def _hide(tree: Tree, folder: str, name: str) -> None:
    if name != _OPAQUE:
        tree.remove(f"{folder}/{name.removeprefix(_HIDDEN)}" if folder else name[len(_HIDDEN) :])
        return
    for child in tree.children(folder):
        tree.remove(f"{folder}/{child}")


def _read(
    tar: tarfile.TarFile,
    info: tarfile.TarInfo,
    layer: tuple[int, memoryview | None],
    places: dict[str, Place],
    path: str,
) -> Entry:
    if info.issym():
        return _entry(info, "symlink", info.linkname)
    if info.islnk():
        return _entry(info, "hardlink", posixpath.normpath(info.linkname))
    if info.isdir():
        return _entry(info, "dir")
    if not info.isreg():
        raise RootfsError(
            f"/{path}", "is a device or the like in a layer of the image", "Leave it out."
        )
    number, data = layer
    if data is not None:
        places[path] = (number, info.offset_data, info.size)
        return _entry(info, "file", "", data[info.offset_data : info.offset_data + info.size])
    file = tar.extractfile(info)
    return _entry(info, "file", "", b"" if file is None else file.read())


def _entry(
    info: tarfile.TarInfo, kind: Kind, target: str = "", content: bytes | memoryview = b""
) -> Entry:
    mode = 0o777 if kind == "symlink" else info.mode & 0o7777
    return Entry(kind, mode, info.uid, info.gid, int(info.mtime), target, content, _SOURCE)
