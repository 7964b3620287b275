"""Computes a layer of a distroless root.

Packages are unpacked and their scripts' effects applied as for any root of Debian's; then all that
isn't library or data is left out. So a package may be asked for whose scripts prepare data, such as
ca-certificates, and none whose scripts prepare programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.rootfs.debian.effects import EFFECTS, ldconfig
from tools.rootfs.debian.package import Package
from tools.rootfs.debian.program_libraries import list_libraries
from tools.rootfs.debian.scripts import ReviewedScript, ScriptTable, load_table
from tools.rootfs.debian.spec import Spec
from tools.rootfs.debian.steps import Result, begin, load, start
from tools.rootfs.debian.system import System, install
from tools.rootfs.distroless import busybox, libraries, paths, scripts, status
from tools.rootfs.needed import needed_libraries
from tools.rootfs.tree import Entry

# Where OpenSSL looks for certificates, unless it is told; trixie's package ships the link.
_CERTIFICATES = ("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")


def build(spec: Spec, tables: Path) -> Result:
    """Compute the layer; `tables` is the directory of the reviewed scripts.

    Raises:
        RootfsError: a package can't be part of such a root, or a library is missing.
    """
    table = load_table(tables / f"{spec.suite}.toml", EFFECTS)
    started = start(spec)
    system = started.system
    for package_set in spec.add:
        _add(system, load(package_set, spec), table, spec.epoch)
    if spec.select is not None:
        needed = needed_libraries(spec.select.programs, spec.arch)
        chosen = libraries.owners(system, load(spec.select.candidates, spec), needed)
        before = _add(system, chosen, table, spec.epoch)
        # Of a CPython whose interpreter loads libpython, that.
        list_libraries(system, spec.select.programs)
        paths.leave_out(system.tree)
        system.tree.keep_times(before)
        libraries.require_complete(system)
    return started.result()


def _add(
    system: System, packages: Sequence[Package], table: ScriptTable, epoch: int | None
) -> dict[str, Entry]:
    """Add packages, and return the entries there were before; see begin."""
    before = begin(system, packages, epoch)
    effects = {name: EFFECTS[name] for name in scripts.DATA}
    scripts.require_data(system, packages, table)
    install(system, packages, table, effects, _nothing_generated)
    for package in packages:
        if package.name == busybox.PACKAGE:
            busybox.busybox(system, package)
    if "etc/ssl/certs/ca-certificates.crt" in system.tree:
        system.tree.symlink(*_CERTIFICATES, source="ca-certificates")
    paths.leave_out(system.tree)
    ldconfig(system)
    paths.leave_out(system.tree)
    status.write_status(system)
    system.tree.finish()
    system.tree.keep_times(before)
    return before


def _nothing_generated(system: System, script: ReviewedScript) -> None:
    """What debhelper's parts ask for is refused beforehand."""
    del system, script
