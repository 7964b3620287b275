"""Reading disk images in QEMU's format qcow2: one file, no backing file, no encryption.

The format is in QEMU's docs/interop/qcow2.rst: two levels of tables lead to clusters, which are
there as they are, compressed by deflate, or all zeros.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from pathlib import Path

_HEADER = struct.Struct(">4sIQIIQIIQ")
_INCOMPATIBLE = struct.Struct(">Q")
_OFFSET = 0x00FF_FFFF_FFFF_FE00
_COMPRESSED = 1 << 62
_ZERO = 1
_SECTOR = 512


class DiskError(Exception):
    """A disk image, or the file system in it, that can't be read."""


class Qcow2:
    """A disk image; `size` is the disk's, in bytes."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        try:
            magic, version, backing, _, bits, self.size, crypt, entries, table = (
                _HEADER.unpack_from(self._data)
            )
            (incompatible,) = (
                _INCOMPATIBLE.unpack_from(self._data, _HEADER.size + 24) if version > 2 else (0,)
            )
        except struct.error as error:
            raise DiskError(f"{path}: no disk image: {error}") from None
        if magic != b"QFI\xfb" or version not in (2, 3):
            raise DiskError(f"{path}: no qcow2 of version 2 or 3")
        if backing or crypt or incompatible:
            raise DiskError(f"{path}: has a backing file, encryption, or features unknown here")
        self._bits = bits
        self._cluster_size = 1 << bits
        self._table = struct.unpack_from(f">{entries}Q", self._data, table)
        self._second = lru_cache(None)(self._read_second)
        self._cluster = lru_cache(64)(self._read_cluster)

    def read(self, offset: int, size: int) -> bytes:
        """The bytes at an offset of the disk; zeros where nothing was ever written."""
        if offset + size > self.size:
            raise DiskError(f"{offset}+{size}: beyond the disk's end")
        parts = []
        while size:
            number, start = divmod(offset, self._cluster_size)
            part = self._cluster(number)[start : start + size]
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def _read_second(self, offset: int) -> tuple[int, ...]:
        return struct.unpack_from(f">{self._cluster_size // 8}Q", self._data, offset)

    def _read_cluster(self, number: int) -> bytes:
        first, second = divmod(number, self._cluster_size // 8)
        table = self._table[first] & _OFFSET
        entry = self._second(table)[second] if table else 0
        if entry & _COMPRESSED:
            return self._inflate(entry)
        if entry & _ZERO or not entry & _OFFSET:
            return bytes(self._cluster_size)
        start = entry & _OFFSET
        return self._data[start : start + self._cluster_size]

    def _inflate(self, entry: int) -> bytes:
        offset_bits = 62 - (self._bits - 8)
        start = entry & ((1 << offset_bits) - 1)
        sectors = (entry & (_COMPRESSED - 1)) >> offset_bits
        # The first sector may begin anywhere in one.
        end = start - start % _SECTOR + (sectors + 1) * _SECTOR
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(
            self._data[start:end], self._cluster_size
        )
        if len(data) != self._cluster_size:
            raise DiskError(f"a cluster unpacks to {len(data)} bytes, not {self._cluster_size}")
        return data
