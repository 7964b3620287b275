"""Names and small helpers of the OCI image specification, shared by all parts."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

# JSON as the specification has it; a class per document would only repeat its text.
Json = dict[str, Any]

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"

INDEX_TYPES: Final = (OCI_INDEX, DOCKER_LIST)
MANIFEST_TYPES: Final = (OCI_MANIFEST, DOCKER_MANIFEST)
# An annotation: the image that a manifest, or one of its layers, has from elsewhere.
BASE_NAME: Final = "org.opencontainers.image.base.name"

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class OciError(Exception):
    """One clear sentence for the user: which file, what is wrong, what to do."""


def dump(document: Json) -> bytes:
    """Return `document` as the bytes that are stored and hashed (keys in the order given)."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def parse(data: bytes, source: object) -> Json:
    """Return the JSON object in `data`; `source` names it in the error."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise OciError(f"{source}: not JSON: {error}") from None
    if not isinstance(document, dict):
        raise OciError(f"{source}: a JSON object is expected here")
    return document


def check_digest(digest: object, source: object) -> str:
    """Return `digest` where it is a sha256 digest, the only kind handled."""
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise OciError(f"{source}: {digest!r} is not a digest of the form sha256:<64 hex digits>")
    return digest


def check_descriptor(entry: object, source: object) -> Json:
    """Return `entry` where it is a descriptor: it has a media type, a digest and a size."""
    if not isinstance(entry, dict) or not isinstance(entry.get("mediaType"), str):
        raise OciError(f"{source}: a descriptor is expected here, not {str(entry)[:200]!r}")
    check_digest(entry.get("digest"), source)
    # bool is an int to Python.
    if type(entry.get("size")) is not int or entry["size"] < 0:
        raise OciError(f"{source}: {entry.get('size')!r} is no size in bytes")
    if not isinstance(entry.get("annotations") or {}, dict):
        raise OciError(f"{source}: the annotations of {entry['digest']} are no object")
    return entry


def digest_of(data: bytes) -> str:
    """Return the digest of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the digest of a file's content, read once in bounded memory."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def descriptor(media_type: str, digest: str, size: int) -> Json:
    """Return the descriptor of a blob; `size` in bytes."""
    return {"mediaType": media_type, "digest": digest, "size": size}


def platform_of(config: Json) -> Json:
    """Return the index's `platform` object of the image with this config."""
    keys = ("architecture", "os", "variant", "os.version", "os.features")
    return {key: config[key] for key in keys if config.get(key)}


def base_of(entry: Json) -> str:
    """Return the image, repository:tag, whose layer a descriptor is; "" where it's our own.

    Such a layer is not in a layout: it stays in the registry that has the image.
    """
    return str((entry.get("annotations") or {}).get(BASE_NAME, ""))
