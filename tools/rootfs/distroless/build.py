"""Computes a layer of a distroless root.

Packages are unpacked and their scripts' effects applied as for any root of Debian's; then all that
isn't library or data is left out. So a package may be asked for whose scripts prepare data, such as
ca-certificates, and none whose scripts prepare programs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tools.rootfs import layer
from tools.rootfs.command import bazel
from tools.rootfs.debian.build import Result
from tools.rootfs.debian.effects import EFFECTS, ldconfig
from tools.rootfs.debian.package import Package, load_packages
from tools.rootfs.debian.program_libraries import list_libraries
from tools.rootfs.debian.scripts import ReviewedScript, ScriptTable, load_table
from tools.rootfs.debian.spec import Spec
from tools.rootfs.debian.state import read_state
from tools.rootfs.debian.system import System, install, new_system
from tools.rootfs.debian.upper import Place
from tools.rootfs.distroless import busybox, libraries, paths, status
from tools.rootfs.errors import RootfsError
from tools.rootfs.needed import needed_libraries
from tools.rootfs.package_set import LockedPackage, PackageSet
from tools.rootfs.tree import Entry, newest

# What scripts may do: each leaves data that programs of others read.
_DATA = (
    "base-passwd",
    "subordinate-ids",
    "base-files",
    "library-links",
    "name-service-switch",
    "netbase",
    "local-time",
    "time-zone-name",
    "inputrc",
    "ca-certificates",
    "ldconfig",
    "divert",
)
# Where OpenSSL looks for certificates, unless it is told; trixie's package ships the link.
_CERTIFICATES = ("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")


def build(spec: Spec, tables: Path) -> Result:
    """Computes the layer; `tables` is the directory of the reviewed scripts.

    Raises:
        RootfsError: a package can't be part of such a root, or a library is missing.
    """
    table = load_table(tables / f"{spec.suite}.toml", EFFECTS)
    places: dict[str, Place] = {}
    below: dict[str, Entry] = {}
    if spec.below is None:
        system = new_system(spec.suite, spec.arch, 0, spec.slim)
    else:
        system, places = read_state(
            spec.below.state, spec.below.tars, spec.suite, spec.arch.name, spec.slim
        )
        below = _entries(system)
    for package_set in spec.add:
        _add(system, _load(package_set, spec), table, spec.epoch)
    if spec.select is not None:
        needed = needed_libraries(spec.select.programs, spec.arch)
        chosen = libraries.owners(system, _load(spec.select.candidates, spec), needed)
        before = _add(system, chosen, table, spec.epoch)
        # Of a CPython whose interpreter loads libpython, that.
        list_libraries(system, spec.select.programs)
        paths.leave_out(system.tree)
        system.tree.keep_times(before)
        libraries.require_complete(system)
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
    """Adds packages; `epoch` is the spec's. Returns the entries there were before."""
    own = [package.time for package in packages if package.name not in system.packages]
    system.tree.begin(newest(epoch, own, system.epoch))
    before = _entries(system)
    effects = {name: EFFECTS[name] for name in _DATA}
    for reviewed in table.review(packages, system.arch):
        _require_data(system, reviewed)
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


def _require_data(system: System, reviewed: ReviewedScript) -> None:
    """Raises RootfsError for a script that prepares what only a shell or programs could use."""
    script, asked = reviewed.script, reviewed.script.snippets
    wants = [name for name in (reviewed.rule.effects if reviewed.rule else ()) if name not in _DATA]
    if asked.units or asked.user_units or asked.init_scripts:
        wants.append("services")
    if asked.alternatives:
        wants.append("alternatives")
    if asked.byte_compile:
        wants.append("byte code of Debian's Python")
    if wants:
        raise RootfsError(
            f"{script.name} of {script.package}",
            f"prepares what a root without a shell and programs can't use: {', '.join(wants)}",
            f"Take {script.package} out of the sets `distroless` and `debug` of {system.suite} in "
            "catalog/suites.yaml; then ./bazelw run //tools:lock -- --add-only",
        )


def _nothing_generated(system: System, script: ReviewedScript) -> None:
    """What debhelper's parts ask for is refused beforehand."""
    del system, script


def _entries(system: System) -> dict[str, Entry]:
    """The system's entries with its root directory."""
    return {"": system.tree.root, **system.tree.entries}
