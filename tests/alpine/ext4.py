"""Reading ext4 file systems, without root and without mounting: the whole tree at once.

No more than what mke2fs -d makes: extents, no encryption, no inline data, no journal to replay. The
layout is in the kernel's Documentation/filesystems/ext4. Who uses it has checksums for what files
contain, so a mistake here doesn't go unnoticed.
"""

from __future__ import annotations

import posixpath
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tests.alpine.qcow2 import DiskError

_SUPERBLOCK = 1024
_MAGIC = 0xEF53
_ROOT = 2
_EXTENTS = 0x80000
_EXTENT_MAGIC = 0xF30A
_WRITTEN = 32768
# What is read here, of the features a reader has to know: directories that name kinds, extents,
# block groups that share their tables.
_INCOMPATIBLE = 0x2 | 0x40 | 0x200
_FAST_SYMLINK = 60
_ATTRIBUTES_MAGIC = 0xEA020000
_PREFIXES = {0: "", 1: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default",
             4: "trusted.", 6: "security."}  # fmt: skip


class Disk(Protocol):
    """What a file system is on."""

    def read(self, offset: int, size: int) -> bytes:
        """The bytes at an offset."""


@dataclass(frozen=True, slots=True)
class Node:
    """A file of whatever kind.

    Attributes:
        number: its inode; two paths with one are hard links.
        mode: kind and permissions, as in `st_mode`.
        data: a regular file's content.
        target: a symbolic link's.
        attributes: extended attributes by their full name.
    """

    number: int
    mode: int
    uid: int
    gid: int
    mtime: int
    data: bytes
    target: str
    attributes: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Inode:
    number: int
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    flags: int
    block: bytes
    attributes_block: int
    rest: bytes


class Ext4:
    """A file system on a disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        block = disk.read(_SUPERBLOCK, 1024)
        (magic,) = struct.unpack_from("<H", block, 56)
        if magic != _MAGIC:
            raise DiskError("no ext4 file system")
        (log_size,) = struct.unpack_from("<I", block, 24)
        (self._inodes_per_group,) = struct.unpack_from("<I", block, 40)
        (self._inode_size,) = struct.unpack_from("<H", block, 88)
        (incompatible,) = struct.unpack_from("<I", block, 96)
        if incompatible & ~_INCOMPATIBLE:
            raise DiskError(f"features unknown here: {incompatible & ~_INCOMPATIBLE:#x}")
        self._block_size = 1024 << log_size
        (self._first_block,) = struct.unpack_from("<I", block, 20)

    def tree(self) -> dict[str, Node]:
        """Everything by its path from the root, without a slash in front; sorted."""
        found = dict(self._walk("", _ROOT))
        return dict(sorted(found.items()))

    def _walk(self, path: str, number: int) -> Iterator[tuple[str, Node]]:
        inode = self._inode(number)
        yield path, self._node(inode)
        if stat.S_ISDIR(inode.mode):
            for name, child in self._entries(inode):
                yield from self._walk(posixpath.join(path, name), child)

    def _block(self, number: int, count: int = 1) -> bytes:
        return self._disk.read(number * self._block_size, count * self._block_size)

    def _inode(self, number: int) -> _Inode:
        group, index = divmod(number - 1, self._inodes_per_group)
        descriptors = (self._first_block + 1) * self._block_size
        table = struct.unpack_from("<I", self._disk.read(descriptors + group * 32, 32), 8)[0]
        raw = self._disk.read(table * self._block_size + index * self._inode_size, self._inode_size)
        mode, uid, size = struct.unpack_from("<HHI", raw, 0)
        (mtime,) = struct.unpack_from("<I", raw, 16)
        gid = struct.unpack_from("<H", raw, 24)[0]
        (flags,) = struct.unpack_from("<I", raw, 32)
        attributes, size_high = struct.unpack_from("<II", raw, 104)
        uid_high, gid_high = struct.unpack_from("<HH", raw, 120)
        extra = struct.unpack_from("<H", raw, 128)[0] if self._inode_size > 128 else 0
        return _Inode(
            number, mode, uid | uid_high << 16, gid | gid_high << 16, mtime,
            size | size_high << 32, flags, raw[40:100], attributes, raw[128 + extra :],
        )  # fmt: skip

    def _node(self, inode: _Inode) -> Node:
        data, target = b"", ""
        if stat.S_ISREG(inode.mode):
            data = self._content(inode)
        elif stat.S_ISLNK(inode.mode):
            fast = inode.size < _FAST_SYMLINK and not inode.flags & _EXTENTS
            raw = inode.block[: inode.size] if fast else self._content(inode)
            target = raw.decode()
        return Node(
            inode.number, inode.mode, inode.uid, inode.gid, inode.mtime, data, target,
            dict(self._attributes(inode)),
        )  # fmt: skip

    def _content(self, inode: _Inode) -> bytes:
        if not inode.flags & _EXTENTS:
            if inode.size == 0:
                return b""
            raise DiskError(f"inode {inode.number}: its blocks aren't extents")
        content = bytearray(inode.size)
        for first, count, block in self._extents(inode.block):
            start = first * self._block_size
            content[start : start + count * self._block_size] = self._block(block, count)
        return bytes(content[: inode.size])

    def _extents(self, node: bytes) -> Iterator[tuple[int, int, int]]:
        """Number in the file, count and number on the disk of each run of blocks with data."""
        magic, entries, _, depth = struct.unpack_from("<HHHH", node)
        if magic != _EXTENT_MAGIC:
            raise DiskError("a tree of extents begins otherwise")
        for at in range(12, 12 + 12 * entries, 12):
            if depth:
                _, low, high = struct.unpack_from("<IIH", node, at)
                yield from self._extents(self._block(low | high << 32))
            else:
                first, count, high, low = struct.unpack_from("<IHHI", node, at)
                if count <= _WRITTEN:
                    yield first, count, low | high << 32

    def _entries(self, inode: _Inode) -> Iterator[tuple[str, int]]:
        data = self._content(inode)
        at = 0
        while at < len(data):
            number, length, name_length = struct.unpack_from("<IHB", data, at)
            name = data[at + 8 : at + 8 + name_length]
            if length < 8:
                raise DiskError(f"inode {inode.number}: a damaged directory")
            at += length
            if number and name not in (b".", b".."):
                yield name.decode(), number

    def _attributes(self, inode: _Inode) -> Iterator[tuple[str, bytes]]:
        if inode.rest[:4] == struct.pack("<I", _ATTRIBUTES_MAGIC):
            yield from _attributes(inode.rest[4:], inode.rest[4:])
        if inode.attributes_block:
            block = self._block(inode.attributes_block)
            if block[:4] != struct.pack("<I", _ATTRIBUTES_MAGIC):
                raise DiskError(f"inode {inode.number}: damaged attributes")
            yield from _attributes(block[32:], block)


def _attributes(entries: bytes, values: bytes) -> Iterator[tuple[str, bytes]]:
    """Extended attributes; where their values begin is counted from the start of `values`."""
    at = 0
    while at + 16 <= len(entries) and entries[at : at + 4] != bytes(4):
        name_length, prefix, start, _, size = struct.unpack_from("<BBHII", entries, at)
        name = entries[at + 16 : at + 16 + name_length].decode()
        yield _PREFIXES[prefix] + name, values[start : start + size]
        at += 16 + (name_length + 3) // 4 * 4
