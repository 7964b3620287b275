"""The Alpine system that grows layer by layer: files, their owners, and what is installed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tools.formats.alpine.dependency import parse_all
from tools.rootfs.alpine.package import Package, PackageFile
from tools.rootfs.arch import Arch
from tools.rootfs.command import relock
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Tree


@dataclass(slots=True)
class System:
    """A root file system together with its package database.

    Attributes:
        tree: the files.
        arch: the architecture, by Alpine's name.
        packages: what is installed, by name.
        requested: names of the packages someone asked for; apk calls that the world.
        owners: the package of each path but directories.
    """

    tree: Tree
    arch: Arch
    packages: dict[str, Package] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)


def install(system: System, packages: Iterable[Package]) -> list[Package]:
    """Unpack packages as apk does; return those that weren't there yet."""
    added: list[Package] = []
    for package in packages:
        if package.requested:
            system.requested.add(package.name)
        below = system.packages.get(package.name)
        if below is None:
            system.packages[package.name] = package
            added.append(package)
        elif below.version != package.version:
            raise RootfsError(
                package.name,
                f"is {package.version} here and {below.version} in a layer below",
                relock(
                    "Lock all sets of a release at once: ./bazelw run //tools:lock -- <release>"
                ),
            )
    for package in added:
        for file in package.files:
            _unpack(system, package, file)
    system.tree.finish()
    return added


def _unpack(system: System, package: Package, file: PackageFile) -> None:
    tree = system.tree
    if file.entry.kind != "dir":
        path = tree.normalise(file.path)
        owner = system.owners.get(path)
        if owner is not None:
            if _keeps(system.packages[owner], package, path):
                return
            del tree.entries[path]
        elif not path.startswith("etc/") and tree.entries.get(path, file.entry).kind != "dir":
            # What nobody owns, such as a link to busybox, apk overwrites; but not settings.
            tree.entries.pop(path, None)
        system.owners[path] = package.name
    entry = file.entry
    if entry.kind == "hardlink":
        entry = replace(entry, target=tree.normalise(entry.target))
    tree.add(file.path, entry)


def _keeps(one: Package, other: Package, path: str) -> bool:
    """Whether `one` keeps a path that both ship; RootfsError if the packages don't say."""
    first, second = _claim(one, other), _claim(other, one)
    if first == second:
        raise RootfsError(
            f"/{path}",
            f"is shipped by both {one.name} and {other.name}, and neither replaces the other's",
            "Drop one of the packages.",
        )
    return first > second


def _claim(package: Package, other: Package) -> int:
    """The priority with which `package` replaces files of `other`; -1 if it doesn't."""
    for replaced in parse_all(" ".join(package.apk.all("replaces"))):
        if replaced.name == other.name and replaced.accepts(other.version):
            return int(package.apk.one("replaces_priority", "0"))
    return -1
