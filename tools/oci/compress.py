"""Compress a layer tar into the blob an OCI image refers to.

The same input gives the same bytes on any CPU:

* gzip: one member by libdeflate (the `deflate` wheel), without a name and with time 0. Its searches
  have a fixed depth, so a faster CPU finds nothing else; docs/oci.md has the measurements.
* zstd: one frame, one thread; by the `zstandard` wheel.

Beside the blob goes a descriptor (JSON): `mediaType`, `digest` and `size` (bytes) of the blob,
`diffId`, the digest of the uncompressed tar, and `newest`, the newest time in it in seconds since
1970. With it no later step has to read the blob again.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import mmap
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import deflate
import zstandard

from tools.oci.blob import newest_time

# The first of libdeflate's levels that weighs what each choice costs in bits: 3 % smaller than 9.
# The two above it take up to twice as long for another 0.2 %.
GZIP_LEVEL: Final = 10
# The last of zstd's levels that needs no more memory to read than every decoder grants, 8 MB.
# Level 9 takes a thirtieth of the time and gives a sixth more.
ZSTD_LEVEL: Final = 19
ZSTD_BLOCK: Final = 128 * 1024

MEDIA_TYPES: Final = {
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}


class CompressError(Exception):
    """The layer can't be compressed; the message names the file and the remedy."""


def zstd_pieces(data: memoryview, *, level: int = ZSTD_LEVEL) -> Iterator[bytes]:
    """One zstd frame of `data` as consecutive pieces."""
    compressor = zstandard.ZstdCompressor(level=level).compressobj(size=len(data))
    for start in range(0, len(data), ZSTD_BLOCK):
        yield compressor.compress(data[start : start + ZSTD_BLOCK])
    yield compressor.flush()


def _newest(source: Path) -> int:
    with source.open("rb") as file:
        return newest_time(file, source)


def compress(
    source: Path,
    blob: Path,
    descriptor: Path | None = None,
    *,
    form: str = "gzip",
    level: int | None = None,
) -> dict[str, str | int]:
    """Write `blob` (and `descriptor`) from the tar `source`; return what the descriptor holds.

    Either both files are complete or neither is there. Raises CompressError or OSError.
    """
    with source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size % 512 or not size:
            raise CompressError(f"{source}: {size} bytes is not the size of a tar; is it one?")
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    pieces: Iterable[bytes | bytearray]
    if form == "gzip":
        pieces = [deflate.gzip_compress(data, GZIP_LEVEL if level is None else level)]
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
            newest = hasher.submit(_newest, source)
            for piece in pieces:
                digest.update(piece)
                written += out.write(piece)
        facts: dict[str, str | int] = {
            "mediaType": MEDIA_TYPES[form],
            "digest": f"sha256:{digest.hexdigest()}",
            "size": written,
            "diffId": f"sha256:{diff_id.result().hexdigest()}",
            "newest": newest.result(),
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
    parser.add_argument("--descriptor", type=Path, help="JSON with digest, size, diffId and newest")
    parser.add_argument("--format", choices=sorted(MEDIA_TYPES), default="gzip")
    parser.add_argument("--level", type=int, help="the compressor's own level")
    args = parser.parse_args(argv)
    try:
        compress(
            args.input,
            args.output,
            args.descriptor,
            form=args.format,
            level=args.level,
        )
    except (CompressError, OSError, ValueError, deflate.DeflateError) as error:
        print(f"compress: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
