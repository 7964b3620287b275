"""File trees merged from Debian packages, in memory, and their deterministic tar archives."""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tools.formats.debian.deb import read_deb

# Directories that Debian moved below usr/; some packages of bookworm still ship files in them.
MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")


class TreeError(Exception):
    """A tree can't be made from the given packages; the text names the path and the packages."""


@dataclass(frozen=True)
class Entry:
    """One path of a tree: a regular file, or a symbolic link if `target` is set.

    Attributes:
        mode: permission bits.
        data: the content of a regular file.
        target: where a symbolic link points.
        origin: the package file it comes from, for messages.
    """

    mode: int
    data: bytes | memoryview = b""
    target: str | None = None
    origin: str = ""


Tree = dict[str, Entry]  # relative path without a leading "./" -> entry; directories are implied


def merged_path(path: str) -> str:
    """Where a path lies once /bin, /lib ... are links to usr/bin, usr/lib ...

    >>> merged_path("lib/x86_64-linux-gnu/libc.so.6")
    'usr/lib/x86_64-linux-gnu/libc.so.6'
    """
    first, slash, _ = path.partition("/")
    return "usr/" + path if slash and first in MERGED else path


def relative_target(path: str, target: str) -> str:
    """The target of the symbolic link `path`, made relative if it is absolute.

    >>> relative_target("usr/lib/x/libz.so", "/lib/x/libz.so.1")
    'libz.so.1'
    """
    if not target.startswith("/"):
        return target
    return posixpath.relpath(merged_path(target.lstrip("/")), posixpath.dirname(path))


def read_packages(debs: Iterable[Path], keep: Callable[[str], bool]) -> Tree:
    """Merge the files of packages as if all were unpacked into one merged-/usr directory.

    Args:
        debs: .deb files.
        keep: says of a path (relative, merged) whether it is wanted.

    Raises:
        TreeError: two packages have the same path with different content.
    """
    tree: Tree = {}
    # Decompressing is most of it, and leaves other threads alone.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, entry in chain.from_iterable(pool.map(lambda deb: _members(deb, keep), debs)):
            known = tree.setdefault(path, entry)
            if (known.data, known.target) != (entry.data, entry.target):
                raise TreeError(f"{path}: {known.origin} and {entry.origin} disagree about it")
    for name in MERGED:
        if any(path.startswith(f"usr/{name}/") for path in tree):
            tree[name] = Entry(0o777, target=f"usr/{name}")
    return tree


def _members(deb: Path, keep: Callable[[str], bool]) -> list[tuple[str, Entry]]:
    files: dict[str, Entry] = {}
    found: list[tuple[str, Entry]] = []
    for info, data in read_deb(deb).members():
        path = merged_path(info.name)
        if info.issym():
            entry = Entry(0o777, target=relative_target(path, info.linkname), origin=deb.name)
        elif info.islnk():
            entry = files[merged_path(info.linkname.removeprefix("./"))]
        elif info.isreg():
            entry = Entry(info.mode & 0o777, data, origin=deb.name)
            files[path] = entry
        else:
            continue
        if keep(path):
            found.append((path, entry))
    return found


def write_tar(tree: Tree, out: Path) -> None:
    """Write a tree as an uncompressed tar whose bytes depend on the tree alone.

    Entries are sorted; owner is root:root (0:0), mtime 0; directories are left to the unpacker.
    """
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(tree):
            entry = tree[path]
            info = tarfile.TarInfo(path)
            info.mode = entry.mode
            if entry.target is not None:
                info.type = tarfile.SYMTYPE
                info.linkname = entry.target
                archive.addfile(info)
            else:
                info.size = len(entry.data)
                archive.addfile(info, io.BytesIO(entry.data))
