"""The JSON file that says which root file system of Alpine's to compute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tools.rootfs.arch import Arch, read_arch
from tools.rootfs.package_set import (
    PackageSet,
    Selection,
    as_object,
    read_epoch,
    read_object,
    read_package_set,
)
from tools.rootfs.rootfs_error import RootfsError

_KEYS = {"release", "arch", "epoch", "repositories", "below", "add", "select"}


class Below(NamedTuple):
    """A layer below: what it consists of, and its epoch as in Spec."""

    packages: PackageSet
    epoch: int | None


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer to compute.

    Attributes:
        release: such as alpine3.24.
        arch: the architecture, by Alpine's name.
        epoch: time of everything computed, seconds since 1970; None for the newest that the
            layer's own packages record.
        repositories: URLs for /etc/apk/repositories.
        below: the layers below, lowest first.
        add: what the layer adds.
        select: what else it adds, chosen by need.
    """

    release: str
    arch: Arch
    epoch: int | None
    repositories: tuple[str, ...]
    below: tuple[Below, ...]
    add: tuple[PackageSet, ...]
    select: Selection | None = None


def read_spec(path: Path) -> Spec:
    """Read a spec and the package lists it names; RootfsError for anything malformed.

    The file is an object with exactly these keys::

        {"release": "alpine3.24", "arch": {...}, "epoch": 1760000000 or null,
         "repositories": ["https://HOST/alpine/v3.24/main", ...],
         "below": [{"packages": "<packages.json>", "apks": ["<file>.apk", ...],
                    "epoch": ...}, ...],
         "add": [{"packages": "...", "apks": [...]}, ...],
         "select": {"packages": "...", "apks": [...], "for": "<programs>.tar"} or null}

    arch is as tools/rootfs/arch.py reads it, packages.json as tools/rootfs/package_set.py has it,
    of .apk files.
    """
    raw = read_object(path)
    if set(raw) != _KEYS:
        raise _malformed(path, f"is no object of {', '.join(sorted(_KEYS))}")
    select = None
    if raw["select"] is not None:
        select = _selection(path, raw["select"])
    return Spec(
        release=str(raw["release"]),
        arch=read_arch(path, raw["arch"]),
        epoch=read_epoch(path, raw["epoch"]),
        repositories=tuple(str(url) for url in raw["repositories"]),
        below=tuple(_below(path, item) for item in raw["below"]),
        add=tuple(_package_set(path, item) for item in raw["add"]),
        select=select,
    )


def _selection(path: Path, value: Any) -> Selection:
    if not isinstance(value, dict):
        raise _malformed(path, f"select is {value!r}, not an object")
    candidates = dict(value)
    programs = candidates.pop("for", None)
    if programs is None:
        raise _malformed(path, "select has no 'for'")
    return Selection(_package_set(path, candidates), Path(str(programs)))


def _below(path: Path, value: Any) -> Below:
    packages = dict(as_object(path, value))
    if "epoch" not in packages:
        raise _malformed(path, "has a layer below without epoch")
    epoch = read_epoch(path, packages.pop("epoch"))
    return Below(_package_set(path, packages), epoch)


def _package_set(path: Path, value: Any) -> PackageSet:
    if not isinstance(value, dict) or set(value) != {"packages", "apks"}:
        raise _malformed(path, "has a package set that isn't packages and apks")
    return read_package_set(Path(str(value["packages"])), [Path(str(a)) for a in value["apks"]])


def _malformed(path: Path, problem: str) -> RootfsError:
    return RootfsError(str(path), problem, "tools/rootfs/alpine/spec.py describes the format.")
