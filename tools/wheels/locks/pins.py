"""What a lock says, whichever form it has, and the one error of all that reads locks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from tools.wheels.locks.target import Target

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class LockError(Exception):
    """A lock can't serve; the message names file, value and what to do.

    `relock` says whether locking again is what to do: who knows the command adds it.
    """

    def __init__(self, message: str, *, relock: bool = True) -> None:
        super().__init__(message)
        self.relock = relock


@dataclass(frozen=True)
class Wheel:
    """A file that a lock or an index names; `url` is where it comes from, "" if that isn't said."""

    filename: str
    sha256: str
    url: str = ""


@dataclass(frozen=True)
class Pin:
    """A package that is to be in the image.

    `hashes` are the sha256 of files that may be it. `wheels` are its wheels, or None where the lock
    doesn't name files. `url` is set if it comes from there and from no index. `where` is the place
    in the lock, for messages.
    """

    name: str
    version: str
    where: str
    hashes: tuple[str, ...]
    wheels: tuple[Wheel, ...] | None = None
    url: str = ""

    @property
    def shown(self) -> str:
        """Name and version for messages."""
        return f"{self.name} {self.version}".strip()


class Lock(Protocol):
    """A lock that has been read."""

    @property
    def index_options(self) -> Sequence[str]:
        """Options of pip that name indexes, from the lock itself."""

    def pins(self, target: Target) -> list[Pin]:
        """The packages whose markers hold for the target, sorted by name. LockError."""


def sha256_of(text: str, where: str) -> str:
    """The sha256 of a hash such as "sha256:…". LockError if it is another or none."""
    algorithm, _, value = text.partition(":")
    if algorithm != "sha256":
        raise LockError(f"{where}: the hash {text[:80]!r} is no sha256")
    if not _SHA256.fullmatch(value):
        raise LockError(f"{where}: a sha256 has 64 hexadecimal digits, not {value[:80]!r}")
    return value


def filename_of(url: str) -> str:
    """The name of the file a URL or path leads to."""
    return unquote(PurePosixPath(urlsplit(url).path).name)


def unique(pins: Sequence[Pin]) -> list[Pin]:
    """The pins sorted by name. LockError if a package is there twice, with different versions."""
    found: dict[str, Pin] = {}
    for pin in pins:
        other = found.setdefault(pin.name, pin)
        if other != pin:
            raise LockError(
                f"{pin.where}: {pin.shown} is to be installed beside {other.shown} ({other.where})"
            )
    return sorted(found.values(), key=lambda pin: pin.name)
