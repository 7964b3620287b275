"""What an image has to know of a layer: digest, size, media type, digest of the tar inside."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tools.oci.assembler.spec import OCI_LAYER, Json, OciError, check_digest, digest_of_file, parse
from tools.oci.blob import BlobError, compression_of, pieces


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
            for piece in pieces(path):
                diff_id.update(piece)
        except BlobError as error:
            raise OciError(str(error)) from None
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
