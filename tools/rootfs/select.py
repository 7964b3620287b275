"""Chooses the packages whose shared libraries programs need, and what those depend on."""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.rootfs.arch import Arch
from tools.rootfs.elf import Elf, ElfError, read_elf
from tools.rootfs.errors import RootfsError
from tools.rootfs.package import Package
from tools.rootfs.system import System
from tools.rootfs.tree import Tree

# Python's Tk binding is left out of the images' needs, as docker-library does: who uses it
# installs tk.
_IGNORED = re.compile(r"(?:^|/)_tkinter[^/]*\.so$")


def needed_libraries(programs: Path, arch: Arch) -> dict[str, str]:
    """Sonames the ELF files of a tar archive need and don't bring themselves.

    Returns the path of one file that needs it by soname. Raises RootfsError for an archive that
    can't be read or ELF files of another architecture.
    """
    needed: dict[str, str] = {}
    brought: set[str] = set()
    try:
        with tarfile.open(programs, "r:") as tar:
            for info in tar:
                stream = tar.extractfile(info) if info.isreg() else None
                if stream is None or _IGNORED.search(info.name):
                    continue
                elf = _elf(f"{programs}: {info.name}", stream.read())
                if elf is None:
                    continue
                if (elf.machine, elf.bits) != (arch.machine, arch.bits):
                    raise RootfsError(
                        f"{programs}: {info.name}",
                        f"is not made for {arch.name} (ELF machine {elf.machine})",
                        "Select packages for programs of the same platform.",
                    )
                brought.add(elf.soname or posixpath.basename(info.name))
                for name in elf.needed:
                    needed.setdefault(name, info.name)
    except (OSError, tarfile.TarError) as error:
        raise RootfsError(str(programs), f"can't be read: {error}", "Build it again.") from None
    return {name: user for name, user in sorted(needed.items()) if name not in brought}


def select_packages(
    system: System, candidates: Iterable[Package], needed: Mapping[str, str]
) -> list[Package]:
    """The candidates to install on top of `system`, sorted by name.

    Owners of needed libraries count as requested, what those need (libraries and dependencies)
    doesn't. Raises RootfsError when nobody owns a needed library.
    """
    by_name = {package.name: package for package in candidates}
    libraries = _libraries(system, by_name.values())
    present = _sonames_of(system)
    owners: dict[str, Package] = {}
    for soname, user in needed.items():
        if soname in present:
            continue
        owner = libraries.get(soname)
        if owner is None:
            raise RootfsError(
                soname,
                f"is needed by {user}, and no package has it",
                "Add the package of the library to the candidates' set in catalog/suites.yaml.",
            )
        owners[owner.name] = owner
    chosen = dict(owners)
    waiting = list(owners.values())
    while waiting:
        package = waiting.pop()
        for dependency in _missing(package, system, chosen, by_name):
            chosen[dependency.name] = dependency
            waiting.append(dependency)
    return [_with_request(chosen[name], requested=name in owners) for name in sorted(chosen)]


def _with_request(package: Package, *, requested: bool) -> Package:
    return Package(package.control, package.control_files, package.files, requested)


def _elf(where: str, data: bytes | memoryview) -> Elf | None:
    try:
        return read_elf(data)
    except ElfError as error:
        raise RootfsError(
            where, f"is a damaged ELF file: {error}", "Build or fetch it again."
        ) from None


def _library_directories(arch: Arch) -> tuple[str, ...]:
    return (f"usr/lib/{arch.triplet}", "usr/lib", *(f"usr/{name}" for name in arch.lib_links))


def _libraries(system: System, candidates: Iterable[Package]) -> dict[str, Package]:
    """Owners of the shared libraries in the loader's directories, by soname."""
    directories = _library_directories(system.arch)
    names = Tree(0, {link: f"usr/{link}" for link in ("lib", *system.arch.lib_links)})
    found: dict[str, Package] = {}
    for package in candidates:
        for file in package.files:
            path = names.normalise(file.path)
            if file.entry.kind != "file" or posixpath.dirname(path) not in directories:
                continue
            elf = _elf(f"{package.name}: /{path}", file.entry.content)
            if elf is not None and elf.shared and elf.soname:
                found.setdefault(elf.soname, package)
    return found


def _sonames_of(system: System) -> set[str]:
    """Names the loader finds in the system already."""
    directories = _library_directories(system.arch)
    return {
        posixpath.basename(path)
        for path in system.tree
        if posixpath.dirname(path) in directories and ".so" in path
    }


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
        [
            re.split(r"[\s:(\[]", alternative.strip(), maxsplit=1)[0]
            for alternative in group.split("|")
        ]
        for group in field.split(",")
        if group.strip()
    ]


def _provides(package: Package) -> list[str]:
    return [group[0] for group in _dependencies(package.control.get("Provides", ""))]
