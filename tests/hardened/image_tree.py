"""All files of an image, and its settings, as its layers have them."""

from __future__ import annotations

import tarfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.sandbox.layout import open_layers, read_image


@dataclass(frozen=True)
class File:
    """A member of a layer: `kind` is tarfile's type, `content` b"" unless it is a regular file."""

    kind: bytes
    mode: int
    content: bytes

    @property
    def is_link(self) -> bool:
        """Whether its mode means nothing."""
        return self.kind == tarfile.SYMTYPE

    @property
    def is_folder(self) -> bool:
        """Whether it has other files in it."""
        return self.kind == tarfile.DIRTYPE

    @property
    def is_regular(self) -> bool:
        """Whether it has content of its own."""
        return self.kind in (tarfile.REGTYPE, tarfile.AREGTYPE)


def files_of(layout: Path) -> dict[str, File]:
    """By path, without a slash in front, the files of the image of a layout."""
    found: dict[str, File] = {}
    with ExitStack() as stack:
        for _, layer in open_layers(read_image(layout), stack):
            with tarfile.open(fileobj=layer, mode="r|") as tar:
                for member in tar:
                    stream = tar.extractfile(member) if member.isreg() else None
                    content = stream.read() if stream else b""
                    file = File(member.type, member.mode, content)
                    # A hard link is the file it names.
                    found[member.name] = found[member.linkname] if member.islnk() else file
    return found


def settings_of(layout: Path) -> dict[str, Any]:
    """The `config` of an image's configuration: Cmd, Env, User and so on."""
    found: dict[str, Any] = read_image(layout).config.get("config") or {}
    return found
