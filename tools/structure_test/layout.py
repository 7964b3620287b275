"""Reads one image of an OCI image layout: its configuration and its layers, every blob checked."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from tools.oci.blob import compression_of, open_tar

_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


class LayoutError(Exception):
    """The layout is not a readable OCI image layout, or does not hold the wanted image."""


@dataclass(frozen=True)
class Image:
    """One image: its parsed configuration, its digest and its layer blobs, lowest first."""

    digest: str
    config: dict[str, Any]
    layers: list[tuple[Path, str]]  # (blob, media type)

    @property
    def platform(self) -> str:
        """The image's own platform, as `os/architecture[/variant]`."""
        parts = [self.config.get("os", ""), self.config.get("architecture", "")]
        if self.config.get("variant"):
            parts.append(self.config["variant"])
        return "/".join(parts)


def _blob(layout: Path, descriptor: dict[str, Any]) -> Path:
    """The descriptor's blob, after its size and digest were checked."""
    digest = str(descriptor.get("digest", ""))
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or not value.isalnum():
        raise LayoutError(f"{layout}: digest {digest!r} is not a sha256 digest")
    path = layout / "blobs" / algorithm / value
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LayoutError(f"{layout}: blob {digest}: {error.strerror}") from error
    if actual != value:
        raise LayoutError(f"{path}: its sha256 is {actual}, not what its name says")
    if path.stat().st_size != descriptor.get("size"):
        raise LayoutError(f"{path}: {path.stat().st_size} bytes, not {descriptor.get('size')}")
    return path


def _document(layout: Path, descriptor: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(_blob(layout, descriptor).read_bytes()))


def _platform_name(platform: dict[str, Any]) -> str:
    names = [platform.get("os"), platform.get("architecture"), platform.get("variant")]
    return "/".join(name for name in names if name)


def _matches(wanted: str, actual: str) -> bool:
    """Whether `actual` is the platform `wanted`; a variant only counts where both name one."""
    one, two = wanted.split("/"), actual.split("/")
    shared = min(len(one), len(two))
    return shared >= 2 and one[:shared] == two[:shared]


def read_image(layout: Path, platform: str | None = None) -> Image:
    """The layout's image for `platform` (`linux/arm64`, `linux/arm/v7`), or its only image.

    Indexes are followed. LayoutError if there is no such image, or more than one.
    """
    try:
        index = json.loads((layout / "index.json").read_bytes())
    except (OSError, ValueError) as error:
        raise LayoutError(f"{layout / 'index.json'}: {error}") from error
    found: dict[str, Image] = {}
    seen: list[str] = []
    queue = list(index.get("manifests", []))
    while queue:
        descriptor = queue.pop(0)
        if descriptor.get("mediaType") in _INDEX_TYPES:
            queue.extend(_document(layout, descriptor).get("manifests", []))
            continue
        named = _platform_name(descriptor.get("platform", {}))
        if platform and named and not _matches(platform, named):
            seen.append(named)
            continue
        manifest = _document(layout, descriptor)
        image = Image(
            digest=descriptor["digest"],
            config=_document(layout, manifest["config"]),
            layers=[
                (_blob(layout, layer), layer.get("mediaType", "")) for layer in manifest["layers"]
            ],
        )
        seen.append(image.platform)
        if not platform or _matches(platform, image.platform):
            found[image.digest] = image
    if len(found) != 1:
        raise LayoutError(
            f"{layout}: {len(found)} images for platform {platform or '(any)'}, expected one; "
            f"it holds: {', '.join(seen) or 'nothing'}"
        )
    return next(iter(found.values()))


def open_layer(blob: Path, media_type: str) -> BinaryIO:
    """The layer's uncompressed tar, to be read from beginning to end."""
    if not compression_of(blob) and ("+" in media_type or media_type.endswith("gzip")):
        raise LayoutError(f"{blob}: not compressed as its media type {media_type} says")
    return open_tar(blob)
