"""The files of an image, read from the archive that `docker load` takes."""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HIDDEN = ".wh."
_OPAQUE = ".wh..wh..opq"
_MAX_LINKS = 40  # as the kernel's limit


class ArchiveError(Exception):
    """The archive isn't an image's, or isn't one that can be used; the message says why."""


@dataclass(frozen=True)
class File:
    """A file: its content and whether it is a program; or the target of a link."""

    content: bytes = b""
    executable: bool = False
    link: str = ""


class Image:
    """An image of one platform.

    Attributes:
        architecture: as Go names it.
        files: those of all layers that were asked for, by path.
    """

    def __init__(self, archive: Path, wanted: Callable[[str], bool]) -> None:
        """Read the files whose path `wanted` is true of.

        Raises:
            ArchiveError: it isn't the archive of one image.
        """
        try:
            with tarfile.open(archive) as tar:
                (about,) = json.load(_member(tar, "manifest.json"))
                config = json.load(_member(tar, about["Config"]))
                self.architecture = str(config["architecture"])
                self.files: dict[str, File] = {}
                for layer in about["Layers"]:
                    with tarfile.open(fileobj=_member(tar, layer)) as content:
                        self._add(content, wanted)
        except (tarfile.TarError, KeyError, TypeError, ValueError) as error:
            raise ArchiveError(
                f"{archive}: is no archive of one image ({error}); give the image's .tar"
            ) from None

    def _add(self, layer: tarfile.TarFile, wanted: Callable[[str], bool]) -> None:
        for member in layer:
            path = member.name.removeprefix("./").strip("/")
            folder, name = posixpath.split(path)
            if name == _OPAQUE:
                self._remove(folder)
            elif name.startswith(_HIDDEN):
                hidden = posixpath.join(folder, name.removeprefix(_HIDDEN))
                self.files.pop(hidden, None)
                self._remove(hidden)
            elif not wanted(path):
                continue
            elif member.issym():
                self.files[path] = File(link=posixpath.join(folder, member.linkname))
            elif member.islnk():
                self.files[path] = File(link=member.linkname.removeprefix("./"))
            elif (content := layer.extractfile(member)) is not None:
                self.files[path] = File(content.read(), bool(member.mode & 0o111))

    def _remove(self, folder: str) -> None:
        """Forget what is below a folder."""
        for path in list(self.below(folder)):
            del self.files[path]

    def resolve(self, path: str) -> str | None:
        """The path of the file that `path` leads to; None if it leads nowhere that was read."""
        for _ in range(_MAX_LINKS):
            file = self.files.get(path)
            if file is None or not file.link:
                return None if file is None else path
            path = posixpath.normpath(file.link).lstrip("/")
        return None

    def below(self, folder: str) -> Iterator[str]:
        """Paths below a folder, sorted."""
        return (path for path in sorted(self.files) if path.startswith(f"{folder}/"))


def _member(tar: tarfile.TarFile, name: str) -> tarfile.ExFileObject:
    file = tar.extractfile(name)
    if not isinstance(file, tarfile.ExFileObject):
        raise TypeError(f"{name} is no file")
    return file
