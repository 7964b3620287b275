"""Packs a layout into the tar that `docker load` and its like read."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import BinaryIO

from tools.oci.assembler.layout import Layout, blob_name
from tools.oci.assembler.spec import INDEX_TYPES, OCI_INDEX, Json, OciError, dump

FORMATS = ("docker", "oci")


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(_entry(name, len(data)), io.BytesIO(data))


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    with path.open("rb") as file:
        tar.addfile(_entry(name, path.stat().st_size), file)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info


def _docker(layout: Layout, tags: list[str], tar: tarfile.TarFile) -> None:
    """`docker save`'s form: manifest.json names the config and the layers."""
    _, manifest = layout.image()
    config = manifest["config"]["digest"]
    layers = {blob["digest"]: f"{blob_name(blob['digest'])}.tar.gz" for blob in manifest["layers"]}
    listing = {
        "Config": blob_name(config),
        "RepoTags": tags,
        "Layers": [layers[blob["digest"]] for blob in manifest["layers"]],
    }
    _add_bytes(tar, "manifest.json", b"[" + dump(listing) + b"]")
    _add_file(tar, blob_name(config), layout.blob(config))
    for digest, name in layers.items():
        _add_file(tar, name, layout.blob(digest))


def _oci(layout: Layout, tags: list[str], tar: tarfile.TarFile) -> None:
    """The layout itself; its index.json names the image once per tag."""
    root = layout.root()
    named: list[Json] = [
        {**root, "annotations": {"org.opencontainers.image.ref.name": tag}} for tag in tags
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": named or [root]}
    _add_bytes(tar, "oci-layout", dump({"imageLayoutVersion": "1.0.0"}))
    _add_bytes(tar, "index.json", dump(index))
    digests = [root["digest"]]
    for entry, manifest in layout.images():
        blobs = (entry, manifest["config"], *manifest["layers"])
        digests += [blob["digest"] for blob in blobs]
    for digest in dict.fromkeys(digests):
        _add_file(tar, blob_name(digest), layout.blob(digest))


def write(image: Path, form: str, tags: list[str], out: BinaryIO) -> None:
    """Stream the archive of the layout `image` to `out`, which need not be seekable.

    `form` is "docker" (a single image) or "oci" (an image or an index).
    """
    layout = Layout(image)
    if form == "docker" and layout.root()["mediaType"] in INDEX_TYPES:
        raise OciError(
            f'{image}: format "docker" holds one image and this is an image index;'
            ' set format = "oci", or load the image of one platform'
        )
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        (_docker if form == "docker" else _oci)(layout, tags, tar)
