"""Computes the layer a spec describes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs import layer
from tools.rootfs.command import bazel
from tools.rootfs.debian.container import configure
from tools.rootfs.debian.dpkg_db import write_database, write_extended_states
from tools.rootfs.debian.effects import EFFECTS, generated, ldconfig, update_databases
from tools.rootfs.debian.package import Package, load_packages
from tools.rootfs.debian.program_libraries import list_libraries
from tools.rootfs.debian.programs import Programs
from tools.rootfs.debian.scripts import ScriptTable, load_table
from tools.rootfs.debian.select import select_packages
from tools.rootfs.debian.spec import Spec
from tools.rootfs.debian.state import read_state
from tools.rootfs.debian.system import System, install, new_system
from tools.rootfs.debian.upper import Place
from tools.rootfs.errors import RootfsError
from tools.rootfs.needed import needed_libraries
from tools.rootfs.package_set import LockedPackage, PackageSet
from tools.rootfs.tree import Entry, newest


@dataclass(frozen=True, slots=True)
class Result:
    """A computed layer.

    Attributes:
        system: the whole system it ends in.
        layer: the entries it adds.
        places: where the layers below have the contents of files, by path.
    """

    system: System
    layer: dict[str, Entry]
    places: dict[str, Place]


def build(spec: Spec, tables: Path) -> Result:
    """Computes the layer; `tables` is the directory of the reviewed scripts."""
    table = load_table(tables / f"{spec.suite}.toml", EFFECTS)
    if spec.scripts is not None:
        table = table.with_own(spec.scripts.table, spec.scripts.name, EFFECTS)
    places: dict[str, Place] = {}
    below: dict[str, Entry] = {}
    if spec.below is None:
        system = new_system(spec.suite, spec.arch, 0, spec.slim)
        system.sources = spec.sources
    else:
        system, places = read_state(
            spec.below.state, spec.below.tars, spec.suite, spec.arch.name, spec.slim
        )
        below = _entries(system)
    if spec.tools is not None:
        for deb in spec.tools.packages:
            _check(deb)
        system.programs = Programs([deb.path for deb in spec.tools.packages])
    for package_set in spec.add:
        _add(system, _load(package_set, spec), table, spec.epoch)
    if spec.select is not None:
        candidates = _load(spec.select.candidates, spec)
        needed = needed_libraries(spec.select.programs, spec.arch)
        before = _add(system, select_packages(system, candidates, needed), table, spec.epoch)
        list_libraries(system, spec.select.programs)
        system.tree.keep_times(before)
    return Result(system, layer.layer_of(below, _entries(system)), places)


def _load(package_set: PackageSet, spec: Spec) -> list[Package]:
    for deb in package_set.packages:
        _check(deb)
    return load_packages(
        [(deb.path, deb.requested) for deb in package_set.packages], spec.arch.name
    )


def _check(deb: LockedPackage) -> None:
    """Checks a .deb against the lock: it was checked when fetched, and may have changed since."""
    with deb.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != deb.sha256:
        raise RootfsError(
            str(deb.path),
            f"has the sha256 {found}, not {deb.sha256} as locked",
            f"To fetch it again: {bazel()} clean --expunge",
        )


def _add(
    system: System, packages: Sequence[Package], table: ScriptTable, epoch: int | None
) -> dict[str, Entry]:
    """Adds packages, of which layers below may have some; `epoch` is the spec's.

    Returns the entries there were before.
    """
    first = not system.packages
    own = [package.time for package in packages if package.name not in system.packages]
    system.tree.begin(newest(epoch, own, system.epoch))
    before = _entries(system)
    install(system, packages, table, EFFECTS, generated)
    update_databases(system)
    ldconfig(system)
    write_database(system)
    write_extended_states(system)
    if first:
        configure(system)
    system.tree.finish()
    system.tree.keep_times(before)
    return before


def _entries(system: System) -> dict[str, Entry]:
    """The system's entries with its root directory."""
    return {"": system.tree.root, **system.tree.entries}


def installed(system: System) -> str:
    """JSON: all packages of the system by name, with the source each was built from."""
    return layer.installed(
        layer.Installed(
            name=package.name,
            version=package.version,
            architecture=package.architecture,
            requested=package.name in system.requested,
            source=package.source[0],
            source_version=package.source[1],
        )
        for package in system.packages.values()
    )
