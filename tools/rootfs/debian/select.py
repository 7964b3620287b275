"""Chooses the packages whose shared libraries programs need, and what those depend on.

The rule is docker-library's for its Python images: the owners of all libraries the programs load,
directly or through other libraries, count as asked for by name, also those that are installed
already; whatever else they depend on comes along.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.rootfs.arch import Arch
from tools.rootfs.debian.package import Package, unpack_all
from tools.rootfs.debian.system import System
from tools.rootfs.errors import RootfsError
from tools.rootfs.needed import elf_of


@dataclass(frozen=True, slots=True)
class _Library:
    """A shared library of a package, and the names of those it needs itself."""

    owner: str
    needed: tuple[str, ...]


def select_packages(
    system: System, candidates: Iterable[Package], needed: Mapping[str, str]
) -> list[Package]:
    """The candidates to install on top of `system`, sorted by name.

    Owners of needed libraries are marked as requested, installed ones in `system`. Raises
    RootfsError when nobody owns a needed library.
    """
    new = {p.name: p for p in candidates if p.name not in system.packages}
    # Only packages with a shlibs file offer libraries to others; the rest need not be unpacked.
    with_libraries = [package for package in new.values() if "shlibs" in package.control_files]
    unpack_all(with_libraries)
    libraries = _libraries([*system.packages.values(), *with_libraries], system.arch)
    owners = _owners(needed, libraries)
    system.requested |= owners & set(system.packages)
    chosen = {name: new[name] for name in sorted(owners - set(system.packages))}
    waiting = list(chosen.values())
    while waiting:
        for dependency in _missing(waiting.pop(), system, chosen, new):
            chosen[dependency.name] = dependency
            waiting.append(dependency)
    return [Package(chosen[name].deb, name in owners) for name in sorted(chosen)]


def _owners(needed: Mapping[str, str], libraries: Mapping[str, _Library]) -> set[str]:
    """Names of the packages that own the needed libraries and those they need in turn."""
    owners: set[str] = set()
    users = dict(needed)
    waiting = list(needed)
    while waiting:
        soname = waiting.pop()
        library = libraries.get(soname)
        if library is None:
            raise RootfsError(
                soname,
                f"is needed by {users[soname]}, and no package has it",
                "Add the package of the library to the set `libraries` in catalog/suites.yaml, and "
                "lock: ./bazelw run //tools:lock",
            )
        owners.add(library.owner)
        for name in library.needed:
            if name not in users:
                users[name] = soname
                waiting.append(name)
    return owners


def _libraries(packages: Iterable[Package], arch: Arch) -> dict[str, _Library]:
    """The shared libraries in the loader's directories, by soname; the first package wins."""
    directories = {f"usr/lib/{arch.triplet}", "usr/lib"}
    directories |= {f"usr/{name}" for name in arch.lib_links}
    directories |= {directory.removeprefix("usr/") for directory in directories}
    found: dict[str, _Library] = {}
    for package in packages:
        for file in package.files:
            if file.entry.kind != "file" or posixpath.dirname(file.path) not in directories:
                continue
            elf = elf_of(f"{package.name}: /{file.path}", file.entry.content)
            if elf is not None and elf.shared and elf.dynamic:
                soname = elf.soname or posixpath.basename(file.path)
                found.setdefault(soname, _Library(package.name, elf.needed))
    return found


def _missing(
    package: Package,
    system: System,
    chosen: Mapping[str, Package],
    candidates: Mapping[str, Package],
) -> list[Package]:
    """Candidates that satisfy the package's dependencies no installed package satisfies.

    Versions need no comparison: candidates and system come from one lock file, which apt made.
    """
    installed = {**system.packages, **chosen}
    provided = {name for p in installed.values() for name in _provides(p)}
    found: list[Package] = []
    for field in ("Pre-Depends", "Depends"):
        for group in _dependencies(package.control.get(field, "")):
            if any(name in installed or name in provided for name in group):
                continue
            choice = next((candidates[name] for name in group if name in candidates), None)
            if choice is None:
                choice = next(
                    (p for p in candidates.values() if set(group) & set(_provides(p))), None
                )
            if choice is None:
                raise RootfsError(
                    package.name,
                    f"depends on {' | '.join(group)}, which is neither installed nor a candidate",
                    "Lock the packages again; see docs/locking.md.",
                )
            found.append(choice)
            installed[choice.name] = choice
    return found


def _dependencies(field: str) -> list[list[str]]:
    """Names of a dependency field: alternatives within groups."""
    return [
        [re.split(r"[\s:(\[]", name.strip(), maxsplit=1)[0] for name in group.split("|")]
        for group in field.split(",")
        if group.strip()
    ]


def _provides(package: Package) -> list[str]:
    return [group[0] for group in _dependencies(package.control.get("Provides", ""))]
