"""Reads the blobs of layers: a tar, plain or compressed by gzip or zstd."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import zstandard

_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
# What a decompressor of the kind is made by. Each reads one gzip member or zstd frame, of which a
# blob may have several.
_DECOMPRESSORS: Final[dict[str, Callable[[], Any]]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
}
_CHUNK: Final = 1 << 20
# zstd's decompressor takes no limit: what little of its input stands for is little enough.
_ZSTD_CHUNK: Final = 1 << 12


class BlobError(OSError):
    """The blob is damaged or cut short; the message names it."""


def compression_of(path: Path) -> str:
    """Return "gzip", "zstd" or "" for a plain tar, by the file's first bytes."""
    with path.open("rb") as file:
        magic = file.read(4)
    return next((kind for start, kind in _MAGIC.items() if magic.startswith(start)), "")


def pieces(path: Path) -> Iterator[bytes]:
    """The tar inside a blob, in pieces. Raises BlobError, after those that could be read."""
    kind = compression_of(path)
    limit = () if kind == "zstd" else (_CHUNK,)
    with path.open("rb") as file:
        if not kind:
            yield from iter(lambda: file.read(_CHUNK), b"")
            return
        make = _DECOMPRESSORS[kind]
        stream = make()
        try:
            while data := file.read(_ZSTD_CHUNK if kind == "zstd" else _CHUNK):
                # One chunk may end a member and begin the next.
                while data:
                    if stream.eof:
                        stream = make()
                    yield stream.decompress(data, *limit)
                    data = stream.unused_data or getattr(stream, "unconsumed_tail", b"")
        except (zlib.error, zstandard.ZstdError) as error:
            raise BlobError(f"{path}: damaged {kind} data: {error}") from None
    if not stream.eof:
        raise BlobError(f"{path}: the {kind} stream ends too early")


class _Reader(io.RawIOBase):
    """A file of pieces."""

    def __init__(self, source: Iterator[bytes]) -> None:
        super().__init__()
        self._source = source
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._source, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def open_tar(path: Path) -> BinaryIO:
    """Open the tar inside a blob for reading from its beginning to its end.

    Reading raises BlobError, an OSError, where the blob is damaged or cut short.
    """
    return cast(BinaryIO, io.BufferedReader(_Reader(pieces(path)), _CHUNK))


def newest_time(layer: BinaryIO, source: object) -> int:
    """The newest time of any member of a tar, in seconds since 1970; 0 of an empty one.

    Args:
        layer: the tar, read from its beginning to its end.
        source: names it in the BlobError for what is no tar.
    """
    newest = 0
    try:
        with tarfile.open(fileobj=layer, mode="r:" if layer.seekable() else "r|") as tar:
            for member in tar:
                newest = max(newest, int(member.mtime))
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise BlobError(f"{source}: is no tar: {error}") from None
    return newest
