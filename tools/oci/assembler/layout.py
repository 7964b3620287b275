"""OCI image layout directories: reading them, writing them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.oci.assembler.spec import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_INDEX,
    Json,
    OciError,
    check_digest,
    descriptor,
    digest_of,
    dump,
    parse,
)

_COPY_CHUNK = 1 << 30


def blob_name(digest: str) -> str:
    """Return the blob's path inside a layout."""
    return "blobs/" + digest.replace(":", "/")


def copy_file(source: Path, target: Path) -> None:
    """Copy a blob inside the kernel, sharing its extents where the file system can (btrfs, xfs).

    Not a hard link: a sandbox's mounts refuse it, and it changes the status time of the
    input, which then looks modified to Bazel. Not a symbolic link: with a remote cache the file it
    points to need not be there.
    """
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), _COPY_CHUNK):
                pass
        except OSError:
            # Across some file systems the kernel won't; start over in user space.
            reader.seek(0)
            writer.seek(0)
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.truncate()


class Layout:
    """A layout directory that exists; every error names the file in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        marker = self.path / "oci-layout"
        if not marker.is_file():
            raise OciError(f"{path}: not an OCI layout (it has no oci-layout file)")
        version = parse(marker.read_bytes(), marker).get("imageLayoutVersion")
        if version != "1.0.0":
            raise OciError(f"{marker}: imageLayoutVersion is {version!r}, not 1.0.0")

    def blob(self, digest: str) -> Path:
        """Return the path of a blob that must be there."""
        path = self.path / blob_name(check_digest(digest, self.path))
        if not path.is_file():
            raise OciError(f"{path}: the blob is referred to but missing")
        return path

    def document(self, entry: Json) -> Json:
        """Return the JSON document a descriptor points to, its size and digest verified."""
        path = self.blob(entry["digest"])
        data = path.read_bytes()
        if digest_of(data) != entry["digest"] or len(data) != entry["size"]:
            raise OciError(f"{path}: the content is not what its digest and size say")
        return parse(data, path)

    def root(self) -> Json:
        """Return the descriptor of the only image or image index in the layout."""
        index = self.path / "index.json"
        if not index.is_file():
            raise OciError(f"{index}: missing; the layout is incomplete")
        entries = parse(index.read_bytes(), index).get("manifests", [])
        if len(entries) != 1:
            raise OciError(f"{index}: {len(entries)} manifests where exactly one is expected")
        entry: Json = entries[0]
        if entry.get("mediaType") not in INDEX_TYPES + MANIFEST_TYPES:
            raise OciError(f"{index}: unknown media type {entry.get('mediaType')!r}")
        return entry

    def image(self) -> tuple[Json, Json]:
        """Return (descriptor, manifest) of a layout that holds a single image."""
        entry = self.root()
        if entry["mediaType"] not in MANIFEST_TYPES:
            raise OciError(f"{self.path}: an image index; a single image is needed here")
        return entry, self.document(entry)

    def images(self) -> list[tuple[Json, Json]]:
        """Return (descriptor, manifest) of every image, those of an index in its order."""
        root = self.root()
        if root["mediaType"] in MANIFEST_TYPES:
            return [self.image()]
        return [(entry, self.document(entry)) for entry in self.document(root)["manifests"]]


class LayoutWriter:
    """Writes a layout; `finish` writes index.json, without which the directory is no layout."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        self._present: set[str] = set()

    def add_json(self, media_type: str, document: Json) -> Json:
        """Store a document; return its descriptor."""
        data = dump(document)
        digest = digest_of(data)
        if digest not in self._present:
            (self.path / blob_name(digest)).write_bytes(data)
            self._present.add(digest)
        return descriptor(media_type, digest, len(data))

    def add_file(self, entry: Json, source: Path) -> None:
        """Store a file as the blob of descriptor `entry`; one already there is not copied again."""
        if entry["digest"] in self._present:
            return
        size = source.stat().st_size
        if size != entry["size"]:
            raise OciError(f"{source}: {size} bytes, but its descriptor says {entry['size']}")
        copy_file(source, self.path / blob_name(entry["digest"]))
        self._present.add(entry["digest"])

    def finish(self, root: Json) -> None:
        """Make the directory a layout of the one image or index `root` describes."""
        (self.path / "oci-layout").write_bytes(dump({"imageLayoutVersion": "1.0.0"}))
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [root]}
        (self.path / "index.json").write_bytes(dump(index))
