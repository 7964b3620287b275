"""Chooses the packages whose shared libraries programs need, and what those depend on.

As docker-library does for its Alpine images with scanelf and `apk add`: who offers the libraries
counts as asked for, whatever else they depend on comes along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tools.formats.alpine.dependency import Dependency, parse_all
from tools.rootfs.alpine.package import Package
from tools.rootfs.alpine.system import System
from tools.rootfs.needed import needed_libraries
from tools.rootfs.rootfs_error import RootfsError


def select_packages(system: System, candidates: Iterable[Package], programs: Path) -> list[Package]:
    """The candidates to install on top of `system` for a tar of programs, sorted by name.

    Who offers a needed library is marked as requested, an installed package in `system`. Raises
    RootfsError when nobody offers it, or a dependency isn't among the candidates.
    """
    providers: dict[str, Package] = {}
    # What is installed comes first; among candidates the name decides, as the lock has one of each.
    new = sorted((p for p in candidates if p.name not in system.packages), key=lambda p: p.name)
    for package in [*system.packages.values(), *new]:
        for name in _offers(package):
            providers.setdefault(name, package)
    chosen: dict[str, Package] = {}
    owners: set[str] = set()
    for soname, user in needed_libraries(programs, system.arch).items():
        owner = providers.get(f"so:{soname}")
        if owner is None:
            raise RootfsError(
                soname,
                f"is needed by {user}, and no package provides so:{soname}",
                "Add the package of the library to the set sysroot in catalog/alpine.yaml.",
            )
        owners.add(owner.name)
        _add(owner, providers, system, chosen)
    system.requested |= owners & set(system.packages)
    return [replace(chosen[name], requested=name in owners) for name in sorted(chosen)]


def _add(
    package: Package,
    providers: Mapping[str, Package],
    system: System,
    chosen: dict[str, Package],
) -> None:
    """Add a package to `chosen` with all it depends on, unless it's installed."""
    waiting = [package]
    while waiting:
        one = waiting.pop()
        if one.name in system.packages or one.name in chosen:
            continue
        chosen[one.name] = one
        for dependency in _dependencies(one):
            provider = providers.get(dependency.name)
            # Versions need no comparison: all packages come from one lock.
            if provider is None:
                raise RootfsError(
                    one.name,
                    f"depends on {dependency}, which is neither installed nor a candidate",
                    "Lock the packages again; see docs/alpine.md.",
                )
            waiting.append(provider)


def _offers(package: Package) -> Iterator[str]:
    yield package.name
    for provided in _parse(package, "provides"):
        yield provided.name


def _dependencies(package: Package) -> Iterator[Dependency]:
    return (d for d in _parse(package, "depend") if not d.conflict)


def _parse(package: Package, field: str) -> tuple[Dependency, ...]:
    try:
        return parse_all(" ".join(package.apk.all(field)))
    except ValueError as error:
        raise RootfsError(
            f"{package.apk.path}: {field}", str(error), "Fetch the package again."
        ) from None
