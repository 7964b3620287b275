"""Computes the layer a spec describes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.rootfs.debian.container import configure
from tools.rootfs.debian.dpkg_db import write_database, write_extended_states
from tools.rootfs.debian.effects import EFFECTS, compiled, generated, ldconfig, update_databases
from tools.rootfs.debian.package import Package, in_threads
from tools.rootfs.debian.program_libraries import list_libraries
from tools.rootfs.debian.programs import Programs
from tools.rootfs.debian.scripts import ScriptTable, load_table
from tools.rootfs.debian.select import select_packages
from tools.rootfs.debian.spec import Spec
from tools.rootfs.debian.steps import Result, begin, check, load, start
from tools.rootfs.debian.system import System, install
from tools.rootfs.needed import needed_libraries
from tools.rootfs.tree import Entry


def build(spec: Spec, tables: Path) -> Result:
    """Compute the layer; `tables` is the directory of the reviewed scripts."""
    table = load_table(tables / f"{spec.suite}.toml", EFFECTS)
    if spec.scripts is not None:
        table = table.with_own(spec.scripts.table, spec.scripts.name, EFFECTS)
    started = start(spec)
    system = started.system
    if spec.below is None:
        system.sources = spec.sources
    if spec.tools is not None:
        in_threads(check, spec.tools.packages)
        system.programs = Programs([deb.path for deb in spec.tools.packages])
    for package_set in spec.add:
        _add(system, load(package_set, spec), table, spec.epoch)
    if spec.select is not None:
        candidates = load(spec.select.candidates, spec)
        needed = needed_libraries(spec.select.programs, spec.arch)
        before = _add(system, select_packages(system, candidates, needed), table, spec.epoch)
        list_libraries(system, spec.select.programs)
        system.tree.keep_times(before)
    return started.result()


def _add(
    system: System, packages: Sequence[Package], table: ScriptTable, epoch: int | None
) -> dict[str, Entry]:
    """Add packages, and return the entries there were before; see begin."""
    first = not system.packages
    before = begin(system, packages, epoch)
    install(system, packages, table, EFFECTS, generated)
    with compiled(system):
        update_databases(system)
        ldconfig(system)
    write_database(system)
    write_extended_states(system)
    if first:
        configure(system)
    system.tree.finish()
    system.tree.keep_times(before)
    return before
