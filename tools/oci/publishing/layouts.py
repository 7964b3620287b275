"""The layouts of chosen images: built by Bazel, without layers where images have outlines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tools.oci.assembler import index
from tools.oci.assembler.layout import SOURCES, Layout
from tools.oci.assembler.spec import OciError, dump
from tools.oci.publishing.bazel import OUTLINE, Bazel
from tools.oci.publishing.selection import Item

_MARKER = "oci-layout"


def _folder(files: Sequence[Path]) -> Path | None:
    """Return the folder of the one layout among the files of a target."""
    found = sorted({file.parent for file in files if file.name == _MARKER})
    return found[0] if len(found) == 1 else None


def build(bazel: Bazel, labels: Sequence[str]) -> dict[str, Path]:
    """Build images and indexes; return the layout of each, an outline where there is one.

    OciError where a label is no image.
    """
    files = bazel.build(labels, [OUTLINE])
    found = {label: _folder(files[label]) for label in labels}
    # Images of others have no outlines, so their layers are built, too.
    if whole := [label for label, folder in found.items() if folder is None]:
        files = bazel.build(whole)
        found |= {label: _folder(files[label]) for label in whole}
    layouts = {}
    for label, folder in found.items():
        if folder is None:
            raise OciError(f"{label} is not an image: an OCI layout directory is needed")
        layouts[label] = folder
    return layouts


def of_item(item: Item, built: dict[str, Path], folder: Path) -> Layout:
    """Return the layout of a chosen image; of some of its platforms an index, below `folder`.

    The bytes of such an index depend on its images alone.
    """
    if not item.platforms:
        return Layout(built[item.image])
    images = [built[label] for label in item.images()]
    out = folder / item.name
    outline = all((image / SOURCES).is_file() for image in images)
    index.build(images, {}, out, outline=outline)
    if outline:
        # It isn't below Bazel's outputs, which paths of layers are relative to.
        sources = Layout(out).sources()
        root = _execution_root(images[0])
        listed = {
            digest: dataclasses.asdict(dataclasses.replace(one, path=str(root / one.path)))
            for digest, one in sources.items()
        }
        (out / SOURCES).write_bytes(dump(listed))
    return Layout(out)


def _execution_root(outline: Path) -> Path:
    parts = outline.parts
    return Path(*parts[: parts.index("bazel-out")])
