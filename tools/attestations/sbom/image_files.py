"""The files of an image that say what is in it, read from its OCI layout."""

from __future__ import annotations

import dataclasses
import hashlib
import posixpath
import re
import tarfile
from pathlib import Path
from typing import Final

from tools.attestations.sbom.sbom_error import SbomError
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import Json, OciError, base_of, digest_of_file
from tools.oci.blob import open_tar

# Files whose content is kept; of those in site-packages at least the digest.
_WANTED: Final = re.compile(
    r"(?:usr/lib|etc)/os-release"
    r"|lib/apk/db/installed"
    r"|var/lib/dpkg/status(?:\.d/[^/]+(?<!\.md5sums))?"
    r"|usr/share/doc/[^/]+/copyright"
    r"|usr/local/include/python[^/]+/(?:patchlevel|pyconfig)\.h"
    # Where there are no headers, these say it.
    r"|usr/local/(?:bin/python3\.[0-9]+t?|lib/libpython3\.[0-9]+t?\.so\.1\.0)"
    r"|usr/local/lib/python[^/]+/_sysconfigdata_[^/]*\.py"
    r"|Files/Python/include/(?:patchlevel|pyconfig)\.h"
    r"|Files/Python/(?:DLLs/)?[^/]+\.dll"
    r"|.*/lib-dynload/(?:_blake2|_decimal|_md5|_sha2|pyexpat)\.[^/]*so"
    r"|.*/site-packages/.*\.dist-info/(?:METADATA|RECORD)"
    r"|.*/site-packages/.*/_vendor/vendor\.txt"
)
_HASHED: Final = re.compile(
    r".*/site-packages/.*|usr/local/bin/.*|.*/ensurepip/_bundled/.*\.whl"
    r"|Files/Python/Scripts/.*|Files/Python/(?:DLLs/)?[^/]+\.dll"
)
_LINKS: Final = re.compile(r"usr/share/doc/[^/]+(?:/copyright)?|etc/os-release")


@dataclasses.dataclass
class ImageFiles:
    """What was found, by path without a leading slash; later layers win.

    Attributes:
        digest: the image's, sha256:<hex>.
        config: its configuration.
        contents: content of the files that describe something.
        hashes: SHA-256 (hex) of every file Python packages may own.
        links: targets of symbolic links among the documentation.
        annotations: of its manifest.
        base_layers: descriptors of the layers that are a base image's, and in no layout.
    """

    digest: str
    config: Json
    contents: dict[str, bytes] = dataclasses.field(default_factory=dict)
    hashes: dict[str, str] = dataclasses.field(default_factory=dict)
    links: dict[str, str] = dataclasses.field(default_factory=dict)
    annotations: dict[str, str] = dataclasses.field(default_factory=dict)
    base_layers: list[Json] = dataclasses.field(default_factory=list)

    def text(self, path: str) -> str | None:
        """Return a text file's content, symbolic links followed; None where there is none."""
        for _ in range(8):
            if path in self.contents:
                return self.contents[path].decode("utf-8", "replace")
            followed = self._follow(path)
            if followed is None:
                return None
            path = followed
        return None

    def _follow(self, path: str) -> str | None:
        """Return where the link at `path`, or at a folder above it, leads; None without one."""
        for prefix in (path, posixpath.dirname(path)):
            if target := self.links.get(prefix):
                rest = path[len(prefix) :]
                joined = posixpath.join("/", posixpath.dirname(prefix), target)
                return posixpath.normpath(joined).lstrip("/") + rest
        return None

    @property
    def platform(self) -> str:
        """The image's platform as os/architecture[/variant]."""
        parts = (self.config.get(key) for key in ("os", "architecture", "variant"))
        return "/".join(str(part) for part in parts if part)


def read(path: Path) -> ImageFiles:
    """Read a layout of one image; SbomError or OciError for one that can't be read."""
    layout = Layout(path)
    entry, manifest = layout.image()
    found = ImageFiles(entry["digest"], layout.document(manifest["config"]))
    found.annotations = manifest.get("annotations") or {}
    for layer in manifest["layers"]:
        if base_of(layer):
            found.base_layers.append(layer)
            continue
        blob = layout.blob(layer["digest"])
        if digest_of_file(blob) != layer["digest"]:
            raise OciError(f"{blob}: the content is not what its digest says")
        _read_layer(blob, found)
    return found


def _read_layer(blob: Path, found: ImageFiles) -> None:
    try:
        with open_tar(blob) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                _take(tar, member, found)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SbomError(blob, f"is no readable layer: {error}", "Build the image again.") from None


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, found: ImageFiles) -> None:
    name = posixpath.normpath(member.name).lstrip("/")
    folder, _, base = name.rpartition("/")
    if base.startswith(".wh."):
        _remove(found, folder if base == ".wh..wh..opq" else posixpath.join(folder, base[4:]))
        return
    if member.isdir():
        return
    found.contents.pop(name, None)
    found.hashes.pop(name, None)
    found.links.pop(name, None)
    if member.issym():
        if _LINKS.fullmatch(name):
            found.links[name] = member.linkname
        return
    if member.islnk():
        target = posixpath.normpath(member.linkname).lstrip("/")
        if target in found.contents:
            found.contents[name] = found.contents[target]
        if target in found.hashes:
            found.hashes[name] = found.hashes[target]
        return
    wanted, hashed = _WANTED.fullmatch(name), _HASHED.fullmatch(name)
    if member.isreg() and (wanted or hashed):
        file = tar.extractfile(member)
        assert file
        data = file.read()
        if wanted:
            found.contents[name] = data
        if hashed:
            found.hashes[name] = hashlib.sha256(data).hexdigest()


def _remove(found: ImageFiles, path: str) -> None:
    """Forget what the layers below had at `path` and below it."""

    def gone(name: str) -> bool:
        return name == path or name.startswith(path + "/")

    found.contents = {k: v for k, v in found.contents.items() if not gone(k)}
    found.hashes = {k: v for k, v in found.hashes.items() if not gone(k)}
    found.links = {k: v for k, v in found.links.items() if not gone(k)}
