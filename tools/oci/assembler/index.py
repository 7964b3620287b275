"""Builds an image index from images of several platforms."""

from __future__ import annotations

from pathlib import Path

from tools.oci.assembler import times
from tools.oci.assembler.layout import Layout, LayoutWriter
from tools.oci.assembler.spec import OCI_INDEX, Json, OciError, dump, platform_of


def build(
    images: list[Path], annotations: dict[str, str], out: Path, *, outline: bool = False
) -> str:
    """Write the layout `out` with an index of the `images` (layouts); return its digest.

    Two images for the same platform are an error: no client could choose between them. With
    `outline` the images are outlines, and so is what is written. An annotation times.CREATED
    that is empty becomes the time of the newest image.
    """
    writer = LayoutWriter(out, outline=outline)
    entries: list[Json] = []
    seen: dict[bytes, Path] = {}
    created: list[str] = []
    for path in images:
        layout = Layout(path)
        entry, manifest = layout.image()
        config = layout.document(manifest["config"])
        platform = platform_of(config)
        created.append(str(config.get("created") or times.UNKNOWN))
        other = seen.setdefault(dump(platform), path)
        if other is not path:
            raise OciError(f"{path} and {other} are both for the platform {platform}")
        for blob in (entry, manifest["config"]):
            writer.add_file(blob, layout.blob(blob["digest"]))
        writer.add_layers_of(layout, manifest["layers"])
        entries.append({**entry, "platform": platform})
    if not entries:
        raise OciError("an image index needs at least one image")
    index: Json = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    if annotations:
        found = times.annotated(annotations, created, "created of an image")
        index["annotations"] = dict(sorted(found.items()))
    root = writer.add_json(OCI_INDEX, index)
    writer.finish(root)
    return str(root["digest"])
