"""What an image has to know of a layer: digest, size, type; digest and newest time of its tar."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tools.oci.assembler.spec import OCI_LAYER, Json, OciError, check_digest, digest_of_file, parse
from tools.oci.blob import BlobError, compression_of, newest_time, open_tar, pieces


def inspect(path: Path) -> Json:
    """Return `mediaType`, `digest`, `size`, `diffId` and `newest` of a layer, by reading it.

    `newest` is the newest time of any member, in seconds since 1970.
    """
    kind = compression_of(path)
    facts: Json = {
        "mediaType": OCI_LAYER + (f"+{kind}" if kind else ""),
        "digest": digest_of_file(path),
        "size": path.stat().st_size,
    }
    facts["diffId"] = facts["digest"]
    try:
        if kind:
            diff_id = hashlib.sha256()
            for piece in pieces(path):
                diff_id.update(piece)
            facts["diffId"] = "sha256:" + diff_id.hexdigest()
        with open_tar(path) as tar:
            facts["newest"] = newest_time(tar, path)
    except BlobError as error:
        raise OciError(str(error)) from None
    return facts


def write(path: Path, out: Path) -> None:
    """Write what `inspect` finds to the file `out`."""
    out.write_text(json.dumps(inspect(path), indent=1) + "\n")


def read(path: Path) -> Json:
    """Return the facts a file written by `write` (or by the layer's own rule) holds.

    A rule of somebody else's need not tell `newest`: it's 0 then.
    """
    facts = parse(path.read_bytes(), path)
    check_digest(facts.get("digest"), path)
    check_digest(facts.get("diffId"), path)
    if not str(facts.get("mediaType")).startswith(OCI_LAYER) or type(facts.get("size")) is not int:
        raise OciError(f"{path}: mediaType or size is missing or wrong")
    if type(facts.setdefault("newest", 0)) is not int or facts["newest"] < 0:
        raise OciError(f"{path}: newest is {facts['newest']!r}, not seconds since 1970")
    return facts
