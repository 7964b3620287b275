"""The steps of computing a layer that roots with programs and roots without have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tools.rootfs import layer
from tools.rootfs.command import bazel
from tools.rootfs.debian.package import Package, in_threads, load_packages
from tools.rootfs.debian.spec import Spec
from tools.rootfs.debian.state import read_state
from tools.rootfs.debian.system import System, new_system
from tools.rootfs.debian.upper import Place
from tools.rootfs.package_set import LockedPackage, PackageSet
from tools.rootfs.rootfs_error import RootfsError
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


@dataclass(frozen=True, slots=True)
class Start:
    """What a layer starts from.

    Attributes:
        system: what lies below; the layer is added to it.
        entries: those there were before; none of the lowest layer.
        places: where the layers below have the contents of files, by path.
    """

    system: System
    entries: dict[str, Entry]
    places: dict[str, Place]

    def result(self) -> Result:
        """The layer, once all is added."""
        added = layer.layer_of(self.entries, entries_of(self.system))
        return Result(self.system, added, self.places)


def start(spec: Spec) -> Start:
    """What the layer of a spec starts from."""
    if spec.below is None:
        return Start(new_system(spec.suite, spec.arch, 0, spec.slim), {}, {})
    system, places = read_state(spec.below.state, spec.below.tars, spec.suite, spec.arch, spec.slim)
    return Start(system, entries_of(system), places)


def load(package_set: PackageSet, spec: Spec) -> list[Package]:
    """Read the packages of a set; RootfsError unless they are those of the lock."""
    in_threads(check, package_set.packages)
    return load_packages(
        [(deb.path, deb.requested) for deb in package_set.packages], spec.arch.name
    )


def check(deb: LockedPackage) -> None:
    """Check a .deb against the lock: it was checked when fetched, and may have changed since."""
    with deb.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != deb.sha256:
        raise RootfsError(
            str(deb.path),
            f"has the sha256 {found}, not {deb.sha256} as locked",
            f"To fetch it again: {bazel()} clean --expunge",
        )


def begin(system: System, packages: Sequence[Package], epoch: int | None) -> dict[str, Entry]:
    """Begins to add packages, of which layers below may have some; `epoch` is the spec's.

    Returns the entries there were before.
    """
    own = [package.time for package in packages if package.name not in system.packages]
    system.tree.begin(newest(epoch, own, system.epoch))
    return entries_of(system)


def entries_of(system: System) -> dict[str, Entry]:
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
