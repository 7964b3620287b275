"""Compress a layer tar into the blob an OCI image refers to.

The same input gives the same bytes on any CPU and with any number of threads:

* gzip: the input is cut into blocks of a fixed size; each block is deflated on its own, primed with
  the 32 KiB before it (so nothing is lost at the cuts), and ends on a byte boundary. The pieces,
  put one after the other, are a single deflate stream and so a single gzip member, without a
  name and with time 0.
* zstd: one frame, one thread; needs `compression.zstd` (CPython 3.14) or the `zstandard` wheel.

Beside the blob goes a descriptor (JSON): `mediaType`, `digest` and `size` (bytes) of the blob and
`diffId`, the digest of the uncompressed tar. With it no later step has to read the blob again.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import hashlib
import importlib
import json
import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

BLOCK_SIZE: Final = 128 * 1024
WINDOW: Final = 32 * 1024
# Measured on a Debian slim tree and on a CPython tree: level 7 with memLevel 7 is smaller than
# `gzip -9` (memLevel 8) and takes less time than `gzip -6`. A lower memLevel makes zlib
# emit shorter deflate blocks, whose Huffman codes fit a tar's quickly changing content better.
GZIP_LEVEL: Final = 7
GZIP_MEMORY_LEVEL: Final = 7
ZSTD_LEVEL: Final = 9
# Magic, deflate, no flags, time 0, no extra flags, operating system unknown (RFC 1952).
GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

MEDIA_TYPES: Final = {
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}


class CompressError(Exception):
    """The layer can't be compressed; the message names the file and the remedy."""


def _deflate_block(data: memoryview, start: int, level: int) -> bytes:
    """Raw deflate of one block, ending on a byte boundary (or the stream, for the last block)."""
    end = min(start + BLOCK_SIZE, len(data))
    options = (level, zlib.DEFLATED, -zlib.MAX_WBITS, GZIP_MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY)
    if start:
        compressor = zlib.compressobj(*options, zdict=data[max(0, start - WINDOW) : start])
    else:
        compressor = zlib.compressobj(*options)
    head = compressor.compress(data[start:end])
    return head + compressor.flush(zlib.Z_FINISH if end == len(data) else zlib.Z_SYNC_FLUSH)


def gzip_pieces(data: memoryview, *, level: int = GZIP_LEVEL, threads: int = 1) -> Iterator[bytes]:
    """The gzip member of `data` as consecutive pieces; the bytes don't depend on `threads`."""
    yield GZIP_HEADER
    crc = 0
    starts = range(0, max(len(data), 1), BLOCK_SIZE)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        # A window of unfinished blocks, so that memory is bounded for a layer of any size.
        pending: collections.deque[concurrent.futures.Future[bytes]] = collections.deque()
        for start in starts:
            pending.append(pool.submit(_deflate_block, data, start, level))
            crc = zlib.crc32(data[start : start + BLOCK_SIZE], crc)
            if len(pending) > 4 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    yield struct.pack("<II", crc, len(data) & 0xFFFFFFFF)


def zstd_pieces(data: memoryview, *, level: int = ZSTD_LEVEL) -> Iterator[bytes]:
    """One zstd frame of `data` as consecutive pieces."""
    try:
        compressor: Any = importlib.import_module("compression.zstd").ZstdCompressor(level)
    except ModuleNotFoundError:
        try:
            wheel = importlib.import_module("zstandard")
        except ModuleNotFoundError:
            raise CompressError(
                "zstd: this Python has neither compression.zstd (3.14 or newer) nor the zstandard"
                " wheel; use --format gzip or add one of them"
            ) from None
        compressor = wheel.ZstdCompressor(level=level).compressobj(size=len(data))
    for start in range(0, len(data), BLOCK_SIZE):
        yield compressor.compress(data[start : start + BLOCK_SIZE])
    yield compressor.flush()


def compress(
    source: Path,
    blob: Path,
    descriptor: Path | None = None,
    *,
    form: str = "gzip",
    level: int | None = None,
    threads: int | None = None,
) -> dict[str, str | int]:
    """Write `blob` (and `descriptor`) from the tar `source`; return what the descriptor holds.

    Either both files are complete or neither is there. Raises CompressError or OSError.
    """
    with source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size % 512 or not size:
            raise CompressError(f"{source}: {size} bytes is not the size of a tar; is it one?")
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    if form == "gzip":
        level = GZIP_LEVEL if level is None else level
        pieces = gzip_pieces(data, level=level, threads=threads or len(os.sched_getaffinity(0)))
    else:
        pieces = zstd_pieces(data, level=ZSTD_LEVEL if level is None else level)

    digest = hashlib.sha256()
    written = 0
    partial = blob.with_name(blob.name + ".partial")
    try:
        with (
            concurrent.futures.ThreadPoolExecutor(1) as hasher,
            partial.open("wb") as out,
        ):
            diff_id = hasher.submit(hashlib.sha256, data)
            for piece in pieces:
                digest.update(piece)
                written += out.write(piece)
        facts: dict[str, str | int] = {
            "mediaType": MEDIA_TYPES[form],
            "digest": f"sha256:{digest.hexdigest()}",
            "size": written,
            "diffId": f"sha256:{diff_id.result().hexdigest()}",
        }
        if descriptor:
            descriptor.write_text(json.dumps(facts, indent=1) + "\n")
        partial.rename(blob)
    except BaseException:
        partial.unlink(missing_ok=True)
        if descriptor:
            descriptor.unlink(missing_ok=True)
        raise
    return facts


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 when the blob was written, 1 after one line saying why it was not."""
    parser = argparse.ArgumentParser(description="Compress a layer tar, deterministically.")
    parser.add_argument("--input", type=Path, required=True, help="layer.tar")
    parser.add_argument("--output", type=Path, required=True, help="the blob to write")
    parser.add_argument("--descriptor", type=Path, help="JSON with digest, size and diffId")
    parser.add_argument("--format", choices=sorted(MEDIA_TYPES), default="gzip")
    parser.add_argument("--level", type=int, help="the compressor's own level")
    parser.add_argument("--threads", type=int, help="gzip only; default: as many as CPUs")
    args = parser.parse_args(argv)
    try:
        compress(
            args.input,
            args.output,
            args.descriptor,
            form=args.format,
            level=args.level,
            threads=args.threads,
        )
    except (CompressError, OSError, zlib.error) as error:
        print(f"compress: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
