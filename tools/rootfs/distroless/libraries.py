"""Shared libraries of a distroless root: which packages provide what programs need.

Packages are taken for the libraries they own alone. What else a package depends on serves its
programs or scripts, which the root hasn't.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from tools.rootfs.debian.libraries import (
    directories,
    libraries_of,
    missing_library,
    owners_of,
    unpack_libraries,
)
from tools.rootfs.debian.package import Package
from tools.rootfs.debian.system import System
from tools.rootfs.needed import elf_of


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
    known = libraries_of(unpack_libraries(new.values()), system.arch)
    chosen = owners_of(needed, known, system.suite, _loaded(system))
    return [Package(new[name].deb, requested=True) for name in sorted(chosen)]


def require_complete(system: System) -> None:
    """Raise RootfsError unless every library that a file of the system needs is there."""
    here = _loaded(system)
    for path, entry in sorted(system.tree.entries.items()):
        elf = elf_of(f"/{path}", entry.content) if entry.kind == "file" else None
        for name in elf.needed if elf is not None else ():
            if name not in here:
                raise missing_library(name, f"/{path}", system.suite)


def _loaded(system: System) -> set[str]:
    """Names of the libraries in a system."""
    folders = directories(system.arch)
    found: set[str] = set()
    for path, entry in system.tree.entries.items():
        if entry.kind == "file" and posixpath.dirname(path) in folders:
            elf = elf_of(f"/{path}", entry.content)
            if elf is not None and elf.shared:
                found.add(elf.soname or posixpath.basename(path))
    return found
