"""What an image has to know of a layer: digest, size, media type, digest of the tar inside."""

from __future__ import annotations

import hashlib
import importlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.oci.assembler.spec import OCI_LAYER, Json, OciError, check_digest, digest_of_file, parse

_CHUNK = 1 << 20


def compression_of(path: Path) -> str:
    """Return "gzip", "zstd" or "" for a plain tar, by the file's first bytes."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zstd" if magic == b"\x28\xb5\x2f\xfd" else ""


def _gunzip(path: Path) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            # One chunk may end a member and begin the next.
            while data:
                yield member.decompress(data)
                data = member.unused_data
                if member.eof and data:
                    member = zlib.decompressobj(wbits=31)
    if not member.eof:
        raise OciError(f"{path}: the gzip stream ends too early")


def _unzstd(path: Path) -> Iterator[bytes]:
    try:
        module: Any = importlib.import_module("compression.zstd")
        with module.ZstdFile(path) as file:
            while data := file.read(_CHUNK):
                yield data
    except ModuleNotFoundError:
        try:
            module = importlib.import_module("zstandard")
        except ModuleNotFoundError:
            raise OciError(
                f"{path}: reading zstd needs compression.zstd (CPython 3.14) or the zstandard"
                " wheel; use a gzip layer, or one whose rule offers the oci_descriptor output group"
            ) from None
        with path.open("rb") as raw:
            yield from module.ZstdDecompressor().read_to_iter(raw, read_across_frames=True)


def inspect(path: Path) -> Json:
    """Return `mediaType`, `digest`, `size` and `diffId` of a layer, by reading all of it."""
    kind = compression_of(path)
    facts: Json = {
        "mediaType": OCI_LAYER + (f"+{kind}" if kind else ""),
        "digest": digest_of_file(path),
        "size": path.stat().st_size,
    }
    facts["diffId"] = facts["digest"]
    if kind:
        diff_id = hashlib.sha256()
        try:
            for piece in _gunzip(path) if kind == "gzip" else _unzstd(path):
                diff_id.update(piece)
        except zlib.error as error:
            raise OciError(f"{path}: damaged gzip data: {error}") from None
        facts["diffId"] = "sha256:" + diff_id.hexdigest()
    return facts


def write(path: Path, out: Path) -> None:
    """Write what `inspect` finds to the file `out`."""
    out.write_text(json.dumps(inspect(path), indent=1) + "\n")


def read(path: Path) -> Json:
    """Return the facts a file written by `write` (or by the layer's own rule) holds."""
    facts = parse(path.read_bytes(), path)
    check_digest(facts.get("digest"), path)
    check_digest(facts.get("diffId"), path)
    if not str(facts.get("mediaType")).startswith(OCI_LAYER) or type(facts.get("size")) is not int:
        raise OciError(f"{path}: mediaType or size is missing or wrong")
    return facts
