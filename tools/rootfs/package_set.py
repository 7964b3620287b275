"""Locked package sets as the specs of layers name them, whatever the packages' format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.formats.archives import rules
from tools.rootfs.rootfs_error import RootfsError


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package of a set: where its file is, and whether someone asked for it by name.

    `sha256` is the lock's: what the file has to have.
    """

    name: str
    path: Path
    requested: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class PackageSet:
    """The packages one layer adds; `label` names it in messages."""

    label: str
    packages: tuple[LockedPackage, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Candidates of which a layer takes what programs need.

    Attributes:
        candidates: packages to choose from.
        programs: tar archive whose ELF files decide.
    """

    candidates: PackageSet
    programs: Path


def read_package_set(listing: Path, paths: Iterable[Path]) -> PackageSet:
    """The set a packages.json describes, given its files; RootfsError if they don't agree.

    packages.json is a list of objects with at least ``package``, ``file`` (its name among those of
    `paths`), ``sha256`` and ``requested``.
    """
    files = {path.name: path for path in paths}
    packages: list[LockedPackage] = []
    for item in _load(listing):
        entry = as_object(listing, item)
        try:
            name, file, requested = entry["package"], entry["file"], entry["requested"]
            sha256 = entry["sha256"]
        except KeyError as error:
            raise _malformed(listing, f"has a package without {error}") from None
        if file not in files:
            raise _malformed(listing, f"names {file}, which is not among the packages' files")
        packages.append(LockedPackage(str(name), files.pop(file), bool(requested), str(sha256)))
    if files:
        raise _malformed(listing, f"doesn't name {', '.join(sorted(files))}")
    return PackageSet(str(listing), tuple(sorted(packages, key=lambda package: package.name)))


def read_object(path: Path) -> Mapping[str, Any]:
    """Read a file of JSON that is to hold an object; RootfsError if it doesn't."""
    return as_object(path, _load(path))


def as_object(path: Path, value: Any) -> Mapping[str, Any]:
    """A value of a file's as the object it is to be; RootfsError if it's none."""
    if not isinstance(value, dict):
        raise _malformed(path, f"has {value!r} where an object belongs")
    return value


def read_epoch(path: Path, value: Any) -> int | None:
    """The epoch a spec gives a layer, seconds since 1970, or None; RootfsError if it's neither."""
    if value is None:
        return None
    if not isinstance(value, int) or not 0 <= value <= rules.MAXIMUM_TIME:
        raise _malformed(path, f"epoch is {value!r}, not seconds since 1970")
    return value


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _malformed(path, f"can't be read: {error.strerror}") from None
    except ValueError as error:
        raise _malformed(path, f"is no JSON: {error}") from None


def _malformed(path: Path, problem: str) -> RootfsError:
    return RootfsError(str(path), problem, "tools/rootfs/package_set.py describes the format.")
