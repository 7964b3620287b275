"""The JSON file that says which root file system to compute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
class OwnScripts:
    """Reviewed scripts of another workspace.

    Attributes:
        table: the file, None where that workspace has none.
        name: what people call it, such as ``scripts.toml``; "" without a table.
    """

    table: Path | None
    name: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer to compute.

    Attributes:
        suite: Debian or Ubuntu suite.
        arch: Debian architecture.
        epoch: time of everything computed, seconds since 1970; None for the newest that the
            layer's own packages record.
        slim: whether documentation and translations are left out.
        below: the layers below; None for the lowest.
        add: what the layer adds.
        select: what else it adds, chosen by need.
        tools: packages of the build machine whose programs scripts would run; see programs.py.
        sources: of an image of Ubuntu; None where apt's own package tells them, as Debian's does.
        scripts: reviews of scripts beside the suite's own.
    """

    suite: str
    arch: Arch
    epoch: int | None
    slim: bool
    below: Below | None
    add: tuple[PackageSet, ...]
    select: Selection | None
    tools: PackageSet | None = None
    sources: Sources | None = None
    scripts: OwnScripts | None = None


def read_spec(path: Path) -> Spec:
    """Read a spec and the package lists it names; RootfsError for anything malformed.

    The file is an object with exactly these keys::

        {"suite": "bookworm", "arch": {...}, "epoch": 1760000000 or null, "slim": true,
         "below": {"state": "<state>", "tars": ["<layer>.tar", ...]} or null,
         "add": [{"packages": "<packages.json>", "debs": ["<file>.deb", ...]}, ...],
         "select": {"packages": "...", "debs": [...], "for": "<programs>.tar"} or null,
         "tools": {"packages": "...", "debs": [...]} or null,
         "sources": ["<URL of the archive>", "<URL of its security updates>"] or null,
         "scripts": {"table": "<scripts.toml>", "name": "scripts.toml"} or null}

    `scripts` is of packages of another workspace; both are empty where it has reviewed none.

    arch is as tools/rootfs/arch.py reads it, packages.json as tools/rootfs/package_set.py has it.
    """
    raw = read_object(path)
    keys = {
        "suite", "arch", "epoch", "slim", "below", "add", "select", "tools", "sources", "scripts"
    }  # fmt: skip
    if set(raw) != keys:
        odd = ", ".join(sorted(set(raw) ^ keys))
        raise _malformed(path, f"has unknown or missing keys: {odd}")
    select = None
    if raw["select"] is not None:
        chosen = as_object(path, raw["select"])
        select = Selection(_package_set(path, chosen), Path(str(chosen["for"])))
    below = None
    if raw["below"] is not None:
        lower = as_object(path, raw["below"])
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
        arch=read_arch(path, raw["arch"]),
        epoch=read_epoch(path, raw["epoch"]),
        slim=bool(raw["slim"]),
        below=below,
        add=tuple(_package_set(path, item) for item in raw["add"]),
        select=select,
        tools=None if raw["tools"] is None else _package_set(path, raw["tools"]),
        sources=sources,
        scripts=_own_scripts(path, raw["scripts"]),
    )


def _own_scripts(path: Path, value: Any) -> OwnScripts | None:
    if value is None:
        return None
    raw = as_object(path, value)
    if set(raw) != {"table", "name"}:
        raise _malformed(path, "has scripts without table or name")
    return OwnScripts(Path(str(raw["table"])) if raw["table"] else None, str(raw["name"]))


def _package_set(path: Path, value: Any) -> PackageSet:
    raw = as_object(path, value)
    if not {"packages", "debs"} <= set(raw):
        raise _malformed(path, "has a package set without packages or debs")
    return read_package_set(Path(str(raw["packages"])), [Path(str(name)) for name in raw["debs"]])


def _malformed(path: Path, problem: str) -> RootfsError:
    return RootfsError(str(path), problem, "tools/rootfs/debian/spec.py describes the format.")
