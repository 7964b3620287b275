"""OCI image layout directories: reading them, writing them."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

from tools.oci.assembler.spec import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_INDEX,
    Json,
    OciError,
    base_of,
    check_descriptor,
    check_descriptors,
    check_digest,
    descriptor,
    digest_of,
    dump,
    parse,
)

_COPY_CHUNK = 1 << 30
# In an outline: where each layer that it lacks is built.
SOURCES = "sources.json"


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


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a layer is built: its path in Bazel's execution root, and the target's label."""

    path: str
    label: str


class Layout:
    """A layout directory that exists; every error names the file in it.

    `root` is the descriptor of one of its images, which it then is the layout of.
    """

    def __init__(self, path: Path, root: Json | None = None) -> None:
        self.path = path
        self._root = root
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
        path = self.blob(check_descriptor(entry, self.path)["digest"])
        data = path.read_bytes()
        if digest_of(data) != entry["digest"] or len(data) != entry.get("size"):
            raise OciError(f"{path}: the content is not what its digest and size say")
        return parse(data, path)

    def root(self) -> Json:
        """Return the descriptor of the only image or image index in the layout."""
        if self._root:
            return self._root
        index = self.path / "index.json"
        if not index.is_file():
            raise OciError(f"{index}: missing; the layout is incomplete")
        entries = check_descriptors(parse(index.read_bytes(), index).get("manifests", []), index)
        if len(entries) != 1:
            raise OciError(f"{index}: {len(entries)} manifests where exactly one is expected")
        entry = entries[0]
        if entry.get("mediaType") not in INDEX_TYPES + MANIFEST_TYPES:
            raise OciError(f"{index}: unknown media type {entry.get('mediaType')!r}")
        return entry

    def image(self) -> tuple[Json, Json]:
        """Return (descriptor, manifest) of a layout that holds a single image."""
        entry = self.root()
        if entry["mediaType"] not in MANIFEST_TYPES:
            raise OciError(f"{self.path}: an image index; a single image is needed here")
        return entry, self._manifest(entry)

    def _manifest(self, entry: Json) -> Json:
        """Return the manifest a descriptor points to, its own descriptors checked."""
        manifest = self.document(entry)
        source = self.blob(entry["digest"])
        check_descriptor(manifest.get("config"), source)
        check_descriptors(manifest.get("layers"), source)
        if not isinstance(manifest.get("annotations") or {}, dict):
            raise OciError(f"{source}: its annotations are no object")
        return manifest

    def _entries(self, root: Json) -> list[Json]:
        """Return the descriptors of an index's images."""
        source = self.blob(root["digest"])
        listed = check_descriptors(self.document(root).get("manifests"), source)
        for entry in listed:
            if entry["mediaType"] not in MANIFEST_TYPES:
                raise OciError(
                    f"{source}: {entry['mediaType']!r} in an index; an image is expected"
                )
        return listed

    def images(self) -> list[tuple[Json, Json]]:
        """Return (descriptor, manifest) of every image, those of an index in its order."""
        root = self.root()
        if root["mediaType"] in MANIFEST_TYPES:
            return [self.image()]
        return [(entry, self._manifest(entry)) for entry in self._entries(root)]

    def for_architecture(self, architecture: str) -> Layout:
        """Return the layout of the image for a CPU, as Go names it; of its newest variant.

        A layout of one image is taken for what it is: engines may emulate.
        """
        root = self.root()
        if root["mediaType"] in MANIFEST_TYPES:
            return self
        has = [
            (str((entry.get("platform") or {}).get("architecture", "")), entry)
            for entry in self._entries(root)
        ]
        fitting = [entry for name, entry in has if name == architecture]
        if not fitting:
            others = " ".join(sorted({name for name, _ in has}))
            raise OciError(f"{self.path}: has no image for {architecture}, only for {others}")
        newest = max(fitting, key=lambda entry: str(entry["platform"].get("variant", "")))
        return Layout(self.path, newest)

    def sources(self) -> dict[str, Source]:
        """Return where the layers of an outline are built, by digest; of a whole layout none."""
        file = self.path / SOURCES
        if not file.is_file():
            return {}
        listed = parse(file.read_bytes(), file)
        try:
            return {
                check_digest(digest, file): Source(str(fields["path"]), str(fields["label"]))
                for digest, fields in listed.items()
            }
        except (TypeError, KeyError) as error:
            raise OciError(f"{file}: not a list of where layers are built: {error!r}") from None


class LayoutWriter:
    """Writes a layout; `finish` writes index.json, without which the directory is no layout.

    An `outline` is a layout that lacks the layers and says where they are built: a few kilobytes
    by which a pusher or loader can tell what the other side lacks, before any layer is fetched.
    """

    def __init__(self, path: Path, *, outline: bool = False) -> None:
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        self._present: set[str] = set()
        self._outline = outline
        self._sources: dict[str, Source] = {}

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

    def add_layer(self, entry: Json, source: Path, label: str) -> None:
        """Store the layer of descriptor `entry`, which `label` builds; an outline only notes it."""
        if self._outline:
            self._sources.setdefault(entry["digest"], Source(str(source), label))
        else:
            self.add_file(entry, source)

    def add_layers_of(self, layout: Layout, entries: list[Json]) -> None:
        """Store layers of another layout; an outline needs an outline, and takes its notes.

        Layers of a base image that aren't in layouts are left out.
        """
        known = layout.sources() if self._outline else {}
        for entry in entries:
            if base_of(entry):
                continue
            if not self._outline:
                self.add_file(entry, layout.blob(entry["digest"]))
            elif entry["digest"] in known:
                self._sources.setdefault(entry["digest"], known[entry["digest"]])
            else:
                raise OciError(f"{layout.path}: doesn't say where layer {entry['digest']} is built")

    def finish(self, root: Json) -> None:
        """Make the directory a layout of the one image or index `root` describes."""
        if self._outline:
            listed = {digest: vars(source) for digest, source in self._sources.items()}
            (self.path / SOURCES).write_bytes(dump(listed))
        (self.path / "oci-layout").write_bytes(dump({"imageLayoutVersion": "1.0.0"}))
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [root]}
        (self.path / "index.json").write_bytes(dump(index))
