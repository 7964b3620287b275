"""What members of an archive may be called, point to and say in numbers, whatever the format.

A .deb, an .apk, a wheel and an image's layer all become files below some root. What would mean
different things to different readers is refused here, once for all of them: a path has one
spelling, stays below the root, and can be written on a line of a list.
"""

from __future__ import annotations

import re
from typing import Literal

from tools.formats.archives.archive_error import ArchiveError

Kind = Literal["dir", "file", "symlink", "hardlink", "special"]

# C0, DEL and C1; what ends a line in Unicode; what stands for bytes that aren't UTF-8.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NO_TEXT = re.compile("[\ud800-\udfff]")
# Linux's limits, in bytes.
_PATH, _COMPONENT = 4095, 255
# Octal digits a plain tar header has for them; the kernel keeps the last id for "none".
MAXIMUM_TIME = 0o77777777777
MAXIMUM_ID = 2**32 - 2
MAXIMUM_MODE = 0o177777
MAXIMUM_SIZE = 1 << 36
_DEVICE = 2**32 - 1
_MAXIMA = {
    "mode": MAXIMUM_MODE,
    "uid": MAXIMUM_ID,
    "gid": MAXIMUM_ID,
    "size": MAXIMUM_SIZE,
    "mtime": MAXIMUM_TIME,
    "devmajor": _DEVICE,
    "devminor": _DEVICE,
}


def text(what: str, value: str) -> str:
    """`value`, if it is UTF-8 without control characters; `what` names it in the ArchiveError."""
    if _NO_TEXT.search(value):
        raise ArchiveError(f"{what} {value!r} is not UTF-8")
    if _CONTROL.search(value):
        raise ArchiveError(f"{what} {value!r} has a control character")
    return value


def path(name: str, kind: Kind = "file") -> str:
    """The path a member's name means, relative and without a leading "./"; the root is ".".

    Args:
        name: as the archive has it: `./usr/bin/`, `usr/bin/env`.
        kind: only a directory may end in a slash, or be the root.

    Raises:
        ArchiveError: it is empty, absolute, leads upwards, has empty or "." components, control
            characters, bytes that aren't UTF-8, or is longer than Linux takes.
    """
    text("member", name)
    inner = name.removeprefix("./") if name != "./" else "."
    if kind == "dir":
        inner = inner.removesuffix("/")
    if inner == ".":
        if kind != "dir":
            raise ArchiveError(f"member {name!r} is the root and no directory")
        return inner
    if inner.startswith("/") or ".." in inner.split("/"):
        raise ArchiveError(f"member {name!r} is outside of the tree")
    _components("member", name, inner)
    return inner


def _components(what: str, name: str, inner: str) -> None:
    parts = inner.split("/")
    if "" in parts or "." in parts:
        raise ArchiveError(f"{what} {name!r} is no plain relative path")
    if len(inner.encode()) > _PATH or any(len(part.encode()) > _COMPONENT for part in parts):
        raise ArchiveError(f"{what} {name[:80]!r}... is longer than Linux takes")


def target(name: str, value: str) -> str:
    """Where a symbolic link may point: anywhere, but it has to be text. Raises ArchiveError."""
    text(f"member {name!r}: link to", value)
    if not value or len(value.encode()) > _PATH:
        raise ArchiveError(f"member {name!r} is a link to {value[:80]!r}, which is no path")
    return value


def number(name: str, what: str, value: float) -> int:
    """`value` as a whole number; `what` is mode, uid, gid, size, mtime, devmajor or devminor.

    Raises ArchiveError for a negative one, and for one that is greater than systems can store.
    """
    if not 0 <= value <= _MAXIMA[what]:
        raise ArchiveError(f"member {name!r} has the {what} {value}")
    return int(value)


class Paths:
    """The paths of one archive as its members are read: each once, and none below a file."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._parents: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Whether a member has that path."""
        return name in self._kinds

    def add(self, name: str, kind: Kind, link: str = "") -> None:
        """Notes a member.

        Args:
            name: its path, as `path` returns it.
            kind: what it is.
            link: of a hard link, the path of the file that it is another name of.

        Raises:
            ArchiveError: the path is taken, lies below something that is no directory, has others
                below it and is none, or is a hard link to something but an earlier file.
        """
        if name in self._kinds:
            raise ArchiveError(f"member {name!r} is there twice")
        if kind != "dir" and name in self._parents:
            raise ArchiveError(f"member {name!r} is a {kind}, and others lie below it")
        if kind == "hardlink" and self._kinds.get(link) != "file":
            raise ArchiveError(f"member {name!r} is a hard link to {link!r}, no earlier file")
        self._kinds[name] = kind
        parent = name.rpartition("/")[0]
        while parent and parent not in self._parents:
            if self._kinds.get(parent, "dir") != "dir":
                raise ArchiveError(
                    f"member {name!r} lies below {parent!r}, a {self._kinds[parent]}"
                )
            self._parents.add(parent)
            parent = parent.rpartition("/")[0]
