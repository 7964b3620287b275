"""Computes the layer a spec describes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs.container import configure
from tools.rootfs.dpkg_db import write_database, write_extended_states
from tools.rootfs.effects import EFFECTS, generated, ldconfig, update_databases
from tools.rootfs.errors import RootfsError
from tools.rootfs.layer import layer_of
from tools.rootfs.package import Package, load_packages
from tools.rootfs.program_libraries import list_libraries
from tools.rootfs.programs import Programs
from tools.rootfs.scripts import ScriptTable, load_table
from tools.rootfs.select import needed_libraries, select_packages
from tools.rootfs.spec import Deb, PackageSet, Spec
from tools.rootfs.state import Place, read_state
from tools.rootfs.system import System, install, new_system
from tools.rootfs.tree import Entry


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
    places: dict[str, Place] = {}
    below: dict[str, Entry] = {}
    if spec.below is None:
        system = new_system(spec.suite, spec.arch, spec.epoch, spec.slim)
        system.sources = spec.sources
    else:
        system, places = read_state(
            spec.below.state, spec.below.tars, spec.suite, spec.arch.name, spec.epoch, spec.slim
        )
        below = _entries(system)
    if spec.tools is not None:
        for deb in spec.tools.debs:
            _check(deb)
        system.programs = Programs([deb.path for deb in spec.tools.debs])
    for package_set in spec.add:
        _add(system, _load(package_set, spec), table)
    if spec.select is not None:
        candidates = _load(spec.select.candidates, spec)
        needed = needed_libraries(spec.select.programs, spec.arch)
        _add(system, select_packages(system, candidates, needed), table)
        list_libraries(system, spec.select.programs)
    return Result(system, layer_of(below, _entries(system)), places)


def _load(package_set: PackageSet, spec: Spec) -> list[Package]:
    for deb in package_set.debs:
        _check(deb)
    return load_packages([(deb.path, deb.requested) for deb in package_set.debs], spec.arch.name)


def _check(deb: Deb) -> None:
    """Checks a .deb against the lock: it was checked when fetched, and may have changed since."""
    with deb.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != deb.sha256:
        raise RootfsError(
            str(deb.path),
            f"has the sha256 {found}, not {deb.sha256} as locked",
            "To fetch it again: ./bazelw clean --expunge",
        )


def _add(system: System, packages: Iterable[Package], table: ScriptTable) -> None:
    first = not system.packages
    install(system, list(packages), table, EFFECTS, generated)
    update_databases(system)
    ldconfig(system)
    write_database(system)
    write_extended_states(system)
    if first:
        configure(system)
    system.tree.finish()


def _entries(system: System) -> dict[str, Entry]:
    """The system's entries with its root directory."""
    return {"": system.tree.root, **system.tree.entries}
