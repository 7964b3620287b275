"""Shared libraries of a distroless root: who has the ones that programs need, and what is missing.

Packages are taken for the libraries they own alone. What else a package depends on serves its
programs or scripts, which the root hasn't.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.rootfs.arch import Arch
from tools.rootfs.debian.package import Package, unpack_all
from tools.rootfs.debian.system import System
from tools.rootfs.errors import RootfsError
from tools.rootfs.needed import elf_of

_SET = "the set `libraries` of {suite} in catalog/suites.yaml"
_RELOCK = "then ./bazelw run //tools:lock -- --add-only"


@dataclass(frozen=True, slots=True)
class _Library:
    """A shared library of a package, and the names of those it needs itself."""

    owner: str
    needed: tuple[str, ...]


def owners(
    system: System, candidates: Iterable[Package], needed: Mapping[str, str]
) -> list[Package]:
    """The candidates that have needed libraries `system` lacks, sorted by name.

    Args:
        system: what lies below.
        candidates: packages to choose from.
        needed: by a library's name, the path of a file that needs it.

    Raises:
        RootfsError: nobody has a library.
    """
    new = {one.name: one for one in candidates if one.name not in system.packages}
    offering = [package for package in new.values() if "shlibs" in package.control_files]
    unpack_all(offering)
    known = _libraries(offering, system.arch)
    here = _loaded(system)
    users = dict(needed)
    waiting = list(needed)
    chosen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in here:
            continue
        library = known.get(name)
        if library is None:
            raise _missing(system, name, users[name])
        chosen.add(library.owner)
        for other in library.needed:
            if other not in users:
                users[other] = name
                waiting.append(other)
    return [Package(new[name].deb, requested=True) for name in sorted(chosen)]


def require_complete(system: System) -> None:
    """Raises RootfsError unless every library that a file of the system needs is there."""
    here = _loaded(system)
    for path, entry in sorted(system.tree.entries.items()):
        elf = elf_of(f"/{path}", entry.content) if entry.kind == "file" else None
        for name in elf.needed if elf is not None else ():
            if name not in here:
                raise _missing(system, name, f"/{path}")


def _missing(system: System, name: str, user: str) -> RootfsError:
    return RootfsError(
        name,
        f"is needed by {user}, and no package has it",
        f"Add the package of the library to {_SET.format(suite=system.suite)}; {_RELOCK}",
    )


def _directories(arch: Arch) -> set[str]:
    """Where the loader looks."""
    return {f"usr/lib/{arch.triplet}", "usr/lib", *(f"usr/{name}" for name in arch.lib_links)}


def _loaded(system: System) -> set[str]:
    """Names of the libraries in a system."""
    folders = _directories(system.arch)
    found: set[str] = set()
    for path, entry in system.tree.entries.items():
        if entry.kind == "file" and posixpath.dirname(path) in folders:
            elf = elf_of(f"/{path}", entry.content)
            if elf is not None and elf.shared:
                found.add(elf.soname or posixpath.basename(path))
    return found


def _libraries(packages: Iterable[Package], arch: Arch) -> dict[str, _Library]:
    """By name, the shared libraries of packages; the first package wins."""
    folders = _directories(arch)
    folders |= {folder.removeprefix("usr/") for folder in folders}
    found: dict[str, _Library] = {}
    for package in packages:
        for file in package.files:
            if file.entry.kind != "file" or posixpath.dirname(file.path) not in folders:
                continue
            elf = elf_of(f"{package.name}: /{file.path}", file.entry.content)
            if elf is not None and elf.shared and elf.dynamic:
                soname = elf.soname or posixpath.basename(file.path)
                found.setdefault(soname, _Library(package.name, elf.needed))
    return found
