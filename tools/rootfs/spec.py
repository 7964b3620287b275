"""The JSON file that says which root file system to compute."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.rootfs.arch import Arch, arch_named
from tools.rootfs.errors import RootfsError


@dataclass(frozen=True, slots=True)
class Deb:
    """A package of a set: where its .deb is, and whether someone asked for it by name.

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
    debs: tuple[Deb, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Candidates of which a layer takes what programs need.

    Attributes:
        candidates: packages to choose from.
        programs: tar archive whose ELF files decide.
    """

    candidates: PackageSet
    programs: Path


@dataclass(frozen=True, slots=True)
class Below:
    """What a layer lies on: the state the uppermost of the layers below left, and their tars.

    `tars` are in order, lowest first.
    """

    state: Path
    tars: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """What an image of Ubuntu has apt ask: URLs of the archive and of its security updates."""

    mirror: str
    security: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer to compute.

    Attributes:
        suite: Debian or Ubuntu suite.
        arch: Debian architecture.
        epoch: time of everything computed, seconds since 1970.
        slim: whether documentation and translations are left out.
        below: the layers below; None for the lowest.
        add: what the layer adds.
        select: what else it adds, chosen by need.
        tools: packages of the build machine whose programs scripts would run; see programs.py.
        sources: of an image of Ubuntu; None where apt's own package tells them, as Debian's does.
    """

    suite: str
    arch: Arch
    epoch: int
    slim: bool
    below: Below | None
    add: tuple[PackageSet, ...]
    select: Selection | None
    tools: PackageSet | None = None
    sources: Sources | None = None


def read_spec(path: Path) -> Spec:
    """Reads a spec and the package lists it names; RootfsError for anything malformed.

    The file is an object with exactly these keys::

        {"suite": "bookworm", "arch": "arm64", "epoch": 1760000000, "slim": true,
         "below": {"state": "<state>", "tars": ["<layer>.tar", ...]} or null,
         "add": [{"packages": "<packages.json>", "debs": ["<file>.deb", ...]}, ...],
         "select": {"packages": "...", "debs": [...], "for": "<programs>.tar"} or null,
         "tools": {"packages": "...", "debs": [...]} or null,
         "sources": ["<URL of the archive>", "<URL of its security updates>"] or null}

    and packages.json is a list of objects with at least ``package``, ``file`` (the name of its
    .deb among `debs`), ``sha256`` and ``requested``.
    """
    raw = _object(path, _load(path))
    keys = {"suite", "arch", "epoch", "slim", "below", "add", "select", "tools", "sources"}
    if set(raw) != keys:
        odd = ", ".join(sorted(set(raw) ^ keys))
        raise _malformed(path, f"has unknown or missing keys: {odd}")
    if not isinstance(raw["epoch"], int) or raw["epoch"] < 0:
        raise _malformed(path, f"epoch is {raw['epoch']!r}, not seconds since 1970")
    select = None
    if raw["select"] is not None:
        chosen = _object(path, raw["select"])
        select = Selection(_package_set(path, chosen), Path(str(chosen["for"])))
    below = None
    if raw["below"] is not None:
        lower = _object(path, raw["below"])
        try:
            below = Below(Path(str(lower["state"])), tuple(Path(str(t)) for t in lower["tars"]))
        except KeyError as error:
            raise _malformed(path, f"has layers below without {error}") from None
    sources = None
    if raw["sources"] is not None:
        if not isinstance(raw["sources"], list) or len(raw["sources"]) != 2:
            raise _malformed(path, f"has sources {raw['sources']!r}, not two URLs")
        sources = Sources(*map(str, raw["sources"]))
    return Spec(
        suite=str(raw["suite"]),
        arch=arch_named(str(raw["arch"])),
        epoch=raw["epoch"],
        slim=bool(raw["slim"]),
        below=below,
        add=tuple(_package_set(path, item) for item in raw["add"]),
        select=select,
        tools=None if raw["tools"] is None else _package_set(path, raw["tools"]),
        sources=sources,
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _malformed(path, f"can't be read: {error.strerror}") from None
    except ValueError as error:
        raise _malformed(path, f"is no JSON: {error}") from None


def _object(path: Path, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _malformed(path, f"has {value!r} where an object belongs")
    return value


def read_package_set(listing: Path, paths: Iterable[Path]) -> PackageSet:
    """The set a packages.json describes, given its .debs; RootfsError if they don't agree."""
    files = {path.name: path for path in paths}
    debs: list[Deb] = []
    for item in _load(listing):
        entry = _object(listing, item)
        try:
            name, file, requested = entry["package"], entry["file"], entry["requested"]
            sha256 = entry["sha256"]
        except KeyError as error:
            raise _malformed(listing, f"has a package without {error}") from None
        if file not in files:
            raise _malformed(listing, f"names {file}, which is not among the .debs")
        debs.append(Deb(str(name), files.pop(file), bool(requested), str(sha256)))
    if files:
        raise _malformed(listing, f"doesn't name {', '.join(sorted(files))}")
    return PackageSet(str(listing), tuple(sorted(debs, key=lambda deb: deb.name)))


def _package_set(path: Path, value: Any) -> PackageSet:
    raw = _object(path, value)
    if not {"packages", "debs"} <= set(raw):
        raise _malformed(path, "has a package set without packages or debs")
    return read_package_set(Path(str(raw["packages"])), [Path(str(name)) for name in raw["debs"]])


def _malformed(path: Path, problem: str) -> RootfsError:
    return RootfsError(str(path), problem, "tools/rootfs/spec.py describes the format.")
