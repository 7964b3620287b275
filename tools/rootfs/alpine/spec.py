"""The JSON file that says which root file system of Alpine's to compute."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.rootfs.errors import RootfsError
from tools.rootfs.package_set import PackageSet, Selection, read_package_set

_KEYS = {"release", "arch", "epoch", "repositories", "below", "add", "select"}


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer to compute.

    Attributes:
        release: such as alpine3.24.
        arch: Alpine's name of the architecture.
        epoch: time of everything computed, seconds since 1970.
        repositories: URLs for /etc/apk/repositories.
        below: what the layers below consist of, lowest first.
        add: what the layer adds.
        select: what else it adds, chosen by need.
    """

    release: str
    arch: str
    epoch: int
    repositories: tuple[str, ...]
    below: tuple[PackageSet, ...]
    add: tuple[PackageSet, ...]
    select: Selection | None = None


def read_spec(path: Path) -> Spec:
    """Reads a spec and the package lists it names; RootfsError for anything malformed.

    The file is an object with exactly these keys::

        {"release": "alpine3.24", "arch": "aarch64", "epoch": 1760000000,
         "repositories": ["https://HOST/alpine/v3.24/main", ...],
         "below": [{"packages": "<packages.json>", "apks": ["<file>.apk", ...]}, ...],
         "add": [...],
         "select": {"packages": "...", "apks": [...], "for": "<programs>.tar"} or null}

    packages.json is as tools/rootfs/package_set.py has it, of .apk files.
    """
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _malformed(path, f"can't be read: {error}") from None
    if not isinstance(raw, dict) or set(raw) != _KEYS:
        raise _malformed(path, f"is no object of {', '.join(sorted(_KEYS))}")
    if not isinstance(raw["epoch"], int) or raw["epoch"] < 0:
        raise _malformed(path, f"epoch is {raw['epoch']!r}, not seconds since 1970")
    select = None
    if raw["select"] is not None:
        select = _selection(path, raw["select"])
    return Spec(
        release=str(raw["release"]),
        arch=str(raw["arch"]),
        epoch=raw["epoch"],
        repositories=tuple(str(url) for url in raw["repositories"]),
        below=tuple(_package_set(path, item) for item in raw["below"]),
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


def _package_set(path: Path, value: Any) -> PackageSet:
    if not isinstance(value, dict) or set(value) != {"packages", "apks"}:
        raise _malformed(path, "has a package set that isn't packages and apks")
    return read_package_set(Path(str(value["packages"])), [Path(str(a)) for a in value["apks"]])


def _malformed(path: Path, problem: str) -> RootfsError:
    return RootfsError(str(path), problem, "tools/rootfs/alpine/spec.py describes the format.")
