"""Unpacking compressed data, never more than a limit: a few kilobytes can stand for gigabytes."""

from __future__ import annotations

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from tools.formats.archives.archive_error import ArchiveError

_ERRORS = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
_GZIP = b"\x1f\x8b"
# zstd's decompressor takes no limit; 4 bytes of input can stand for 128 KiB, not for more.
_ZSTD_PIECE = 1 << 12


class _Decompressor(Protocol):
    """One stream: Python's own classes."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """What follows the stream."""

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        """Up to so many bytes."""


_STREAMS: dict[str, Callable[[], Any]] = {
    ".bz2": bz2.BZ2Decompressor,
    ".gz": lambda: zlib.decompressobj(wbits=31),
    ".lzma": lzma.LZMADecompressor,
    ".xz": lzma.LZMADecompressor,
}


def gunzip(packed: memoryview, limit: int) -> tuple[bytes, int]:
    """Unpack the gzip stream `packed` begins with; also returns how long it is, packed.

    Raises ArchiveError where it is damaged or cut short, or stands for more than `limit` bytes.
    """
    if packed[:2] != _GZIP:
        raise ArchiveError("no gzip stream")
    return _stream(_STREAMS[".gz"](), packed, limit)


def unpack(packed: memoryview, compression: str, limit: int) -> bytes | memoryview:
    """Unpack all streams of `packed`, one after the other.

    Args:
        packed: the data.
        compression: ".gz", ".xz", ".lzma", ".bz2", ".zst", or "" for none.
        limit: bytes it may have unpacked.

    Raises:
        ArchiveError: the data are damaged or cut short, or too many; `compression` isn't known.
    """
    if compression == "":
        return packed
    if compression == ".zst":
        return _unzstd(packed, limit)
    if compression not in _STREAMS:
        raise ArchiveError(f"compression {compression!r} isn't supported")
    parts: list[bytes] = []
    left = limit
    while True:
        part, used = _stream(_STREAMS[compression](), packed, left)
        parts.append(part)
        left -= len(part)
        packed = packed[used:]
        # Streams may be padded with zeros.
        if bytes(packed).count(0) == len(packed):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _stream(stream: _Decompressor, packed: memoryview, limit: int) -> tuple[bytes, int]:
    try:
        out = stream.decompress(packed, limit + 1)
    except _ERRORS as error:
        raise ArchiveError(f"can't be unpacked: {error}") from None
    if len(out) > limit:
        raise ArchiveError(f"unpacks to more than {limit} bytes")
    if not stream.eof:
        raise ArchiveError("can't be unpacked: truncated")
    return out, len(packed) - len(stream.unused_data)


def _unzstd(packed: memoryview, limit: int) -> bytes:
    """What zstd frames hold, as all packages of Ubuntu's have since 21.10."""
    try:
        # Not part of Python before 3.14; whoever reads Debian's packages alone can go without.
        zstandard: Any = importlib.import_module("zstandard")
    except ImportError:
        raise ArchiveError("reading zstd needs the zstandard wheel") from None
    out: list[bytes] = []
    left = limit
    frame = None
    try:
        for start in range(0, len(packed), _ZSTD_PIECE):
            rest = bytes(packed[start : start + _ZSTD_PIECE])
            while rest:
                if frame is None or frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                out.append(frame.decompress(rest))
                left -= len(out[-1])
                if left < 0:
                    raise ArchiveError(f"unpacks to more than {limit} bytes")
                rest = frame.unused_data
    except zstandard.ZstdError as error:
        raise ArchiveError(f"can't be unpacked: {error}") from None
    if frame is None or not frame.eof:
        raise ArchiveError("can't be unpacked: truncated")
    return b"".join(out)
