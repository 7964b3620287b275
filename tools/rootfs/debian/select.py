"""Chooses the packages whose shared libraries programs need, and what those depend on.

The rule is docker-library's for its Python images: the owners of all libraries the programs load,
directly or through other libraries, count as asked for by name, also those that are installed
already; whatever else they depend on comes along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tools.rootfs.debian.libraries import libraries_of, owners_of, unpack_libraries
from tools.rootfs.debian.package import Package
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError


def select_packages(
    system: System, candidates: Iterable[Package], needed: Mapping[str, str]
) -> list[Package]:
    """The candidates to install on top of `system`, sorted by name.

    Owners of needed libraries are marked as requested, installed ones in `system`. Raises
    RootfsError when nobody owns a needed library.
    """
    new = {p.name: p for p in candidates if p.name not in system.packages}
    offering = unpack_libraries(new.values())
    libraries = libraries_of([*system.packages.values(), *offering], system.arch)
    owners = owners_of(needed, libraries, system.suite)
    system.requested |= owners & set(system.packages)
    chosen = {name: new[name] for name in sorted(owners - set(system.packages))}
    waiting = list(chosen.values())
    while waiting:
        for dependency in _missing(waiting.pop(), system, chosen, new):
            chosen[dependency.name] = dependency
            waiting.append(dependency)
    return [Package(chosen[name].deb, name in owners) for name in sorted(chosen)]


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
