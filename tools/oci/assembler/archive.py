"""Packs a layout into the tar that `docker load` and its like read."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tools.oci.assembler.layout import Layout, blob_name
from tools.oci.assembler.spec import INDEX_TYPES, OCI_INDEX, Json, OciError, dump

FORMATS = ("docker", "oci")
# What containerd takes for the name of an image, host and all.
_CONTAINERD_NAME = "io.containerd.image.name"


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


def _docker(layout: Layout, tags: list[str], tar: tarfile.TarFile, parts: Parts) -> None:
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
        if digest not in parts.left_out:
            _add_file(tar, name, parts.file(layout, digest))


def index_of(root: Json, tags: list[str]) -> Json:
    """Return the index.json of an archive or layout that names one image once per tag."""
    named: list[Json] = [
        {
            **root,
            "annotations": {"org.opencontainers.image.ref.name": tag, _CONTAINERD_NAME: tag},
        }
        for tag in tags
    ]
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": named or [root]}


def _oci(layout: Layout, tags: list[str], tar: tarfile.TarFile, parts: Parts) -> None:
    """The layout itself; its index.json names the image once per tag."""
    root = layout.root()
    _add_bytes(tar, "oci-layout", dump({"imageLayoutVersion": "1.0.0"}))
    _add_bytes(tar, "index.json", dump(index_of(root, tags)))
    digests = [root["digest"]]
    for entry, manifest in layout.images():
        blobs = (entry, manifest["config"], *manifest["layers"])
        digests += [blob["digest"] for blob in blobs]
    for digest in dict.fromkeys(digests):
        if digest not in parts.left_out:
            _add_file(tar, blob_name(digest), parts.file(layout, digest))


@dataclasses.dataclass(frozen=True)
class Parts:
    """What goes into an archive.

    `left_out` are digests of blobs the reader has. `files` are those of layers that are not in the
    layout itself, by digest.
    """

    left_out: frozenset[str] = frozenset()
    files: Mapping[str, Path] = dataclasses.field(default_factory=dict)

    def file(self, layout: Layout, digest: str) -> Path:
        """Return the file of a blob."""
        return self.files.get(digest) or layout.blob(digest)


class _Sequential(io.RawIOBase):
    """A file that can't be sought, for tarfile's mode "w".

    Its mode "w|" writes what it holds even when an error or Ctrl-C ends it, for which it would wait
    if the reader is what hangs.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def tell(self) -> int:
        """Where the archive begins."""
        return 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write all of it."""
        return self._out.write(data)


def write(
    image: Path | Layout, form: str, tags: list[str], out: IO[bytes], parts: Parts | None = None
) -> None:
    """Stream the archive of the layout `image` to `out`, which need not be seekable.

    `form` is "docker" (a single image) or "oci" (an image or an index); all blobs, unless `parts`
    says otherwise.
    """
    layout = Layout(image) if isinstance(image, Path) else image
    if form == "docker" and layout.root()["mediaType"] in INDEX_TYPES:
        raise OciError(
            f'{layout.path}: format "docker" holds one image and this is an image index;'
            ' set format = "oci", or load the image of one platform'
        )
    with tarfile.open(fileobj=_Sequential(out), mode="w", format=tarfile.GNU_FORMAT) as tar:
        (_docker if form == "docker" else _oci)(layout, tags, tar, parts or Parts())
