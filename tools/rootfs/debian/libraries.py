"""The shared libraries that packages have, and whose packages those are that programs need."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tools.rootfs.arch import Arch
from tools.rootfs.command import relock
from tools.rootfs.debian.package import Package, unpack_all
from tools.rootfs.needed import elf_of
from tools.rootfs.rootfs_error import RootfsError


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library of a package, and the names of those it needs itself."""

    owner: str
    needed: tuple[str, ...]


def directories(arch: Arch) -> set[str]:
    """Where the loader looks, in a system with a merged /usr."""
    return {f"usr/lib/{arch.triplet}", "usr/lib", *(f"usr/{name}" for name in arch.lib_links)}


def unpack_libraries(packages: Iterable[Package]) -> list[Package]:
    """Those of the packages that offer libraries to others, unpacked."""
    # They have a shlibs file; the rest need not be unpacked.
    offering = [package for package in packages if "shlibs" in package.control_files]
    unpack_all(offering)
    return offering


def libraries_of(packages: Iterable[Package], arch: Arch) -> dict[str, Library]:
    """The packages' libraries in the loader's directories, by name; the first package wins."""
    folders = directories(arch)
    folders |= {folder.removeprefix("usr/") for folder in folders}
    found: dict[str, Library] = {}
    for package in packages:
        for file in package.files:
            if file.entry.kind != "file" or posixpath.dirname(file.path) not in folders:
                continue
            elf = elf_of(f"{package.name}: /{file.path}", file.entry.content)
            if elf is not None and elf.shared and elf.dynamic:
                soname = elf.soname or posixpath.basename(file.path)
                found.setdefault(soname, Library(package.name, elf.needed))
    return found


def owners_of(
    needed: Mapping[str, str],
    libraries: Mapping[str, Library],
    suite: str,
    here: Collection[str] = (),
) -> set[str]:
    """Names of the packages that own the needed libraries and those they need in turn.

    Args:
        needed: by a library's name, the path of a file that needs it.
        libraries: what packages have.
        suite: whose packages they are.
        here: names of libraries to ignore, with what they need.

    Raises:
        RootfsError: no package has a library.
    """
    owners: set[str] = set()
    users = dict(needed)
    waiting = list(needed)
    while waiting:
        soname = waiting.pop()
        if soname in here:
            continue
        library = libraries.get(soname)
        if library is None:
            raise missing_library(soname, users[soname], suite)
        owners.add(library.owner)
        for name in library.needed:
            if name not in users:
                users[name] = soname
                waiting.append(name)
    return owners


def missing_library(soname: str, user: str, suite: str) -> RootfsError:
    """The error for a library that no package has."""
    return RootfsError(
        soname,
        f"is needed by {user}, and no package has it",
        relock(
            f"Add the package of the library to the set `libraries` of {suite} in "
            "catalog/suites.yaml; then ./bazelw run //tools:lock -- --add-only",
            "Add the package of the library to those that this layer takes, and lock them anew: "
            "bazel run their debian_lock",
        ),
    )
