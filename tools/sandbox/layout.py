"""Reads one image of an OCI image layout: its configuration and its layers, every blob checked."""

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from tools.oci.blob import compression_of, open_tar

_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
# Far more than any image has; registries take 4 MiB for a document.
_MAX_DOCUMENT = 4 << 20
# Of a layer that is a base image's, and in no layout: Windows'.
_BASE_NAME = "org.opencontainers.image.base.name"
_MAX_DEPTH = 4  # of indexes in indexes
_MAX_MANIFESTS = 1000

Object = dict[str, Any]


class LayoutError(Exception):
    """The layout is not a readable OCI image layout, or does not hold the wanted image."""


@dataclass(frozen=True)
class Image:
    """One image: its parsed configuration, its digest and its layer blobs, lowest first.

    Layers of a base image that is in no layout are left out.
    """

    digest: str
    config: Object
    layers: list[tuple[Path, str]]  # (blob, media type)

    @property
    def platform(self) -> str:
        """The image's own platform, as `os/architecture[/variant]`."""
        parts = [self.config.get("os") or "", self.config.get("architecture") or ""]
        if self.config.get("variant"):
            parts.append(self.config["variant"])
        return "/".join(parts)


def _text(value: object, what: str, path: Path) -> str:
    """A member that may be left out, and is a text if it is there."""
    if value is not None and not isinstance(value, str):
        raise LayoutError(f"{path}: {what} is {value!r}, not a text")
    return value or ""


def _object(value: object, what: str, path: Path) -> Object:
    if not isinstance(value, dict):
        raise LayoutError(f"{path}: {what} is not an object")
    return value


def _objects(value: object, what: str, path: Path) -> list[Object]:
    if not isinstance(value, list):
        raise LayoutError(f"{path}: {what} is not a list")
    return [_object(item, f"an item of {what}", path) for item in value]


def _parse(path: Path) -> Object:
    """A JSON document, which is an object."""
    try:
        if path.stat().st_size > _MAX_DOCUMENT:
            raise LayoutError(f"{path}: larger than {_MAX_DOCUMENT >> 20} MiB")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise LayoutError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise LayoutError(f"{path}: not JSON: {error}") from error
    except RecursionError:
        raise LayoutError(f"{path}: JSON that is nested too deeply") from None
    return _object(value, "the document", path)


def _blob(layout: Path, descriptor: Object) -> Path:
    """The descriptor's blob, after its size and digest were checked."""
    digest = descriptor.get("digest")
    if not isinstance(digest, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise LayoutError(f"{layout}: digest {digest!r} is not a sha256 digest")
    value = digest.partition(":")[2]
    path = layout / "blobs/sha256" / value
    try:
        if not path.is_file():  # a pipe has no end
            raise FileNotFoundError(errno.ENOENT, "No such file")
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise LayoutError(f"{layout}: blob {digest}: {error.strerror}") from error
    if actual != value:
        raise LayoutError(f"{path}: its sha256 is {actual}, not what its name says")
    if size != descriptor.get("size"):
        raise LayoutError(f"{path}: {size} bytes, not {descriptor.get('size')!r}")
    return path


def _platform_name(platform: Object, path: Path) -> str:
    names = [_text(platform.get(key), key, path) for key in ("os", "architecture", "variant")]
    return "/".join(name for name in names if name)


def _matches(wanted: str, actual: str) -> bool:
    """Whether `actual` is the platform `wanted`; a variant only counts where both name one."""
    one, two = wanted.split("/"), actual.split("/")
    shared = min(len(one), len(two))
    return shared >= 2 and one[:shared] == two[:shared]


def _manifests(layout: Path) -> Iterator[Object]:
    """The descriptors of all images, those in indexes in the layout's index too."""
    path = layout / "index.json"
    waiting = [(item, 0) for item in _objects(_parse(path).get("manifests"), "manifests", path)]
    count = len(waiting)
    while waiting:
        descriptor, depth = waiting.pop(0)
        if descriptor.get("mediaType") not in _INDEX_TYPES:
            yield descriptor
            continue
        if depth == _MAX_DEPTH:
            raise LayoutError(f"{layout}: more than {_MAX_DEPTH} indexes in one another")
        index = _blob(layout, descriptor)
        inner = _objects(_parse(index).get("manifests"), "manifests", index)
        count += len(inner)
        if count > _MAX_MANIFESTS:
            raise LayoutError(f"{layout}: more than {_MAX_MANIFESTS} manifests")
        waiting += [(item, depth + 1) for item in inner]


def _read(layout: Path, descriptor: Object) -> Image:
    path = _blob(layout, descriptor)
    manifest = _parse(path)
    blob = _blob(layout, _object(manifest.get("config"), "config", path))
    config = _parse(blob)
    for key in ("os", "architecture", "variant"):
        _text(config.get(key), key, blob)
    _object(config.get("config") or {}, "config", blob)
    layers = [
        (_blob(layout, layer), _text(layer.get("mediaType"), "mediaType", path))
        for layer in _objects(manifest.get("layers"), "layers", path)
        if not _object(layer.get("annotations") or {}, "annotations", path).get(_BASE_NAME)
    ]
    return Image(descriptor["digest"], config, layers)


def read_image(layout: Path, platform: str | None = None) -> Image:
    """The layout's image for `platform` (`linux/arm64`, `linux/arm/v7`), or its only image.

    Indexes are followed. LayoutError if there is no such image, or more than one, or if what is
    there is not as OCI says.
    """
    found: dict[str, Image] = {}
    seen: list[str] = []
    for descriptor in _manifests(layout):
        about = _object(descriptor.get("platform") or {}, "platform", layout)
        named = _platform_name(about, layout)
        if platform and named and not _matches(platform, named):
            seen.append(named)
            continue
        image = _read(layout, descriptor)
        seen.append(image.platform)
        if not platform or _matches(platform, image.platform):
            found[image.digest] = image
    if len(found) != 1:
        raise LayoutError(
            f"{layout}: {len(found)} images for platform {platform or '(any)'}, expected one; "
            f"it holds: {', '.join(seen) or 'nothing'}"
        )
    return next(iter(found.values()))


def platforms(layout: Path) -> list[str]:
    """The platforms of the layout's images, as `os/architecture[/variant]`; "" if none is said."""
    return [
        _platform_name(_object(descriptor.get("platform") or {}, "platform", layout), layout)
        for descriptor in _manifests(layout)
    ]


def open_layer(blob: Path, media_type: str) -> BinaryIO:
    """The layer's uncompressed tar, to be read from beginning to end."""
    if not compression_of(blob) and ("+" in media_type or media_type.endswith("gzip")):
        raise LayoutError(f"{blob}: not compressed as its media type {media_type} says")
    return open_tar(blob)


def open_layers(image: Image, stack: ExitStack) -> list[tuple[str, BinaryIO]]:
    """The layers' names and tars. Their files are open: another user can read on from here."""
    layers = []
    for blob, media_type in image.layers:
        layer = stack.enter_context(open_layer(blob, media_type))
        try:
            cast(BufferedReader, layer).peek(1)
        except OSError as error:
            raise LayoutError(f"{blob}: {error}") from error
        layers.append((blob.name, layer))
    return layers
