"""Lock files of Windows base images: what they hold, reading and writing them.

One file per base image, `third_party/windows/<release>.lock`, JSON:

    release     the tag that was locked, such as ltsc2025
    image       repository:tag, without a registry: the same bytes are in every mirror
    os.version  the build of Windows in it
    manifest    descriptor (mediaType, digest, size in bytes) of the image's manifest
    config      likewise of its configuration
    layers      lowest first: descriptor (with `urls`, if any) and `diffId`, its tar's digest
    documents   the text of manifest and configuration, whose digests are those above

All but the texts is there for people and diffs. It follows from the texts, and reading a lock
checks that it does. The layers themselves are not in it and are never downloaded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cli import atomic
from tools.oci.assembler.spec import (
    MANIFEST_TYPES,
    OCI_LAYER,
    Json,
    OciError,
    check_digest,
    digest_of,
    parse,
)
from tools.packages.windows.windows_error import WindowsError

REMEDY: Final = "lock it anew: ./bazelw run //tools:lock -- {release} --registry=HOST"
# Layers that a registry need not have: they're at their `urls`.
NONDISTRIBUTABLE: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar"
# Media types of layers, in OCI's words: the blobs are the same.
_LAYER_TYPES: Final = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": OCI_LAYER + "+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": NONDISTRIBUTABLE + "+gzip",
}
_OCI_LAYERS: Final = tuple(
    kind + suffix for kind in (OCI_LAYER, NONDISTRIBUTABLE) for suffix in ("", "+gzip", "+zstd")
)
_IMAGE: Final = re.compile(r"[a-z0-9]+([._/-][a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Lock:
    """A base image: `image` is repository:tag, `manifest` and `config` its documents' texts."""

    release: str
    image: str
    media_type: str
    manifest: str
    config: str

    @property
    def file(self) -> str:
        """What the file is called."""
        return f"{self.release}.lock"

    @property
    def digest(self) -> str:
        """Digest of the manifest."""
        return digest_of(self.manifest.encode())

    @property
    def settings(self) -> Json:
        """The image's configuration."""
        return parse(self.config.encode(), f"config of {self.image}")

    @property
    def os_version(self) -> str:
        """The build of Windows, such as 10.0.26100.4652."""
        return str(self.settings["os.version"])

    def layers(self) -> list[Json]:
        """The layers' descriptors with OCI's media types, lowest first."""
        found: list[Json] = []
        for entry in parse(self.manifest.encode(), f"manifest of {self.image}")["layers"]:
            kind = entry["mediaType"]
            made: Json = {
                "mediaType": _LAYER_TYPES.get(kind, kind),
                "digest": entry["digest"],
                "size": entry["size"],
            }
            if entry.get("urls"):
                made["urls"] = entry["urls"]
            found.append(made)
        return found

    def diff_ids(self) -> list[str]:
        """Digests of the layers' tars, lowest first."""
        return list(self.settings["rootfs"]["diff_ids"])

    def text(self) -> str:
        """The file's content. Raises WindowsError for documents that aren't a Windows image's."""
        check(self)
        layers = [
            {**entry, "diffId": diff_id}
            for entry, diff_id in zip(self.layers(), self.diff_ids(), strict=True)
        ]
        manifest = parse(self.manifest.encode(), self.image)
        document = {
            "release": self.release,
            "image": self.image,
            "os.version": self.os_version,
            "manifest": {
                "mediaType": self.media_type,
                "digest": self.digest,
                "size": len(self.manifest.encode()),
            },
            "config": {key: manifest["config"][key] for key in ("mediaType", "digest", "size")},
            "layers": layers,
            "documents": {"manifest": self.manifest, "config": self.config},
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def check(lock: Lock) -> None:
    """Raise WindowsError unless the documents are one image's for Windows on amd64."""

    def need(condition: bool, what: str) -> None:
        if not condition:
            raise WindowsError(f"{lock.image}: {what}")

    try:
        manifest = parse(lock.manifest.encode(), f"manifest of {lock.image}")
        config = lock.settings
        need(lock.media_type in MANIFEST_TYPES, f"unknown media type {lock.media_type!r}")
        need(bool(_IMAGE.fullmatch(lock.image)), "is not REPOSITORY:TAG")
        need(
            manifest["config"]["digest"] == digest_of(lock.config.encode()),
            "its configuration isn't the one its manifest names",
        )
        system = f"{config.get('os')}/{config.get('architecture')}"
        shown = system if system.isprintable() else repr(system)
        need(system == "windows/amd64", f"is for {shown[:80]}, not windows/amd64")
        version = config.get("os.version")
        need(bool(version), "its configuration has no os.version")
        # It is printed, and becomes part of images.
        need(bool(re.fullmatch(r"[0-9]+(\.[0-9]+)*", str(version))), "its os.version is no version")
        layers, diff_ids = lock.layers(), lock.diff_ids()
        need(bool(layers), "has no layers")
        need(len(layers) == len(diff_ids), f"{len(layers)} layers, but {len(diff_ids)} diff IDs")
        for entry, diff_id in zip(layers, diff_ids, strict=True):
            check_digest(entry["digest"], f"manifest of {lock.image}")
            check_digest(diff_id, f"config of {lock.image}")
            need(entry["mediaType"] in _OCI_LAYERS, f"unknown layer type {entry['mediaType']!r}")
            need(type(entry["size"]) is int and entry["size"] > 0, "a layer without a size")
    except (KeyError, TypeError, AttributeError) as error:
        raise WindowsError(f"{lock.image}: its documents lack {error}") from None
    except OciError as error:
        raise WindowsError(str(error)) from None


def read(path: Path) -> Lock:
    """Read and check a lock file. Raises WindowsError."""
    remedy = REMEDY.format(release=path.name.removesuffix(".lock"))
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        lock = Lock(
            release=document["release"],
            image=document["image"],
            media_type=document["manifest"]["mediaType"],
            manifest=document["documents"]["manifest"],
            config=document["documents"]["config"],
        )
        same = lock.text() == text
    except OSError as error:
        raise WindowsError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise WindowsError(f"{path}: is no lock of a Windows image ({error}); {remedy}") from None
    except WindowsError as error:
        raise WindowsError(f"{path}: {error}; {remedy}") from None
    if not same:
        raise WindowsError(f"{path}: says something else than its documents do; {remedy}")
    if path.name != lock.file:
        raise WindowsError(f"{path}: holds {lock.release}; such a file is named {lock.file}")
    return lock


def write(path: Path, lock: Lock) -> None:
    """Write a lock file: complete or, when anything fails, not at all."""
    atomic.write(path, lock.text())
