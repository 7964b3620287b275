"""Names and small helpers of the OCI image specification, shared by all parts."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from tools.text import strict_json

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
        document = strict_json.parse(data)
    except ValueError as error:
        raise OciError(f"{source}: not JSON: {error}") from None
    if not isinstance(document, dict):
        raise OciError(f"{source}: a JSON object is expected here")
    return document


def read_text(path: Path) -> str:
    """Return the text of a file of settings."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise OciError(f"{path}: not UTF-8: {error}") from None


def check_digest(digest: object, source: object) -> str:
    """Return `digest` where it is a sha256 digest, the only kind handled."""
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise OciError(f"{source}: {digest!r} is not a digest of the form sha256:<64 hex digits>")
    return digest


def check_descriptor(value: object, source: object) -> Json:
    """Return `value` where it is a descriptor: an object with media type, digest and size."""
    if not isinstance(value, dict):
        raise OciError(f"{source}: {value!r} is not a descriptor")
    check_digest(value.get("digest"), source)
    if not isinstance(value.get("mediaType"), str):
        raise OciError(f"{source}: a descriptor's mediaType is {value.get('mediaType')!r}")
    if type(value.get("size")) is not int or value["size"] < 0:
        raise OciError(f"{source}: a descriptor's size is {value.get('size')!r}")
    for key in ("annotations", "platform"):
        if not isinstance(value.get(key) or {}, dict):
            raise OciError(f"{source}: a descriptor's {key} is {value[key]!r}")
    return value


def check_descriptors(value: object, source: object) -> list[Json]:
    """Return `value` where it is a list of descriptors."""
    if not isinstance(value, list):
        raise OciError(f"{source}: {value!r} is not a list of descriptors")
    return [check_descriptor(item, source) for item in value]


def check_config(config: Json, source: object) -> Json:
    """Return an image's configuration where it has the form that images are built upon."""
    rootfs, settings = config.get("rootfs"), config.get("config") or {}
    if not isinstance(rootfs, dict) or not isinstance(rootfs.get("diff_ids"), list):
        raise OciError(f"{source}: the configuration has no list rootfs.diff_ids")
    for digest in rootfs["diff_ids"]:
        check_digest(digest, source)
    if not isinstance(config.get("history") or [], list):
        raise OciError(f"{source}: the configuration's history is no list")
    if not isinstance(settings, dict):
        raise OciError(f"{source}: the configuration's config is no object")
    if not isinstance(config.get("created") or "", str):
        raise OciError(f"{source}: the configuration's created is {config['created']!r}")
    env = settings.get("Env") or []
    if not isinstance(env, list) or not all(isinstance(item, str) for item in env):
        raise OciError(f"{source}: config.Env is {env!r}, no list of texts")
    return config


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
