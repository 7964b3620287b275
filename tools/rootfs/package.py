"""The packages a tree is made of, and reading many .debs at once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tools.debian.deb import ControlFile, Deb, DebError, read_deb
from tools.rootfs.errors import RootfsError
from tools.rootfs.tree import Entry, Kind

# Control files dpkg knows and whose meaning is handled. The maintainer scripts a first
# installation runs are reviewed one by one (tools/rootfs/scripts.py); prerm and postrm run when a
# package is replaced or removed only.
KNOWN_CONTROL_FILES = frozenset(
    [
        "config",
        "conffiles",
        "control",
        "md5sums",
        "postinst",
        "postrm",
        "preinst",
        "prerm",
        "shlibs",
        "symbols",
        "templates",
        "triggers",
    ]
)


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One member of a package's data archive: its path (no leading slash; root is "") and entry."""

    path: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Package:
    """One binary package, read completely.

    Attributes:
        control: fields of the control file.
        control_files: control archive, by name.
        files: data archive in its order, paths as shipped (``bin/sh`` even on a merged system).
        requested: whether someone asked for it by name, rather than for what depends on it.
    """

    control: dict[str, str]
    control_files: dict[str, ControlFile]
    files: tuple[PackageFile, ...] = field(repr=False)
    requested: bool

    @property
    def name(self) -> str:
        """The package's name."""
        return self.control["Package"]

    @property
    def version(self) -> str:
        """The package's version."""
        return self.control["Version"]

    @property
    def architecture(self) -> str:
        """The package's architecture, ``all`` included."""
        return self.control["Architecture"]

    @property
    def source(self) -> tuple[str, str]:
        """Name and version of the source package."""
        name, _, version = self.control.get("Source", self.name).partition(" ")
        return name, version.strip("() ") or self.version

    @property
    def info_name(self) -> str:
        """What dpkg's files about it are called: with the architecture if co-installable."""
        if self.control.get("Multi-Arch") == "same":
            return f"{self.name}:{self.architecture}"
        return self.name

    def script(self, name: str) -> str | None:
        """Text of the maintainer script `name`, None if there is none."""
        found = self.control_files.get(name)
        return None if found is None else found.data.decode("utf-8", "surrogateescape")


def load_packages(debs: Sequence[tuple[Path, bool]], arch: str) -> list[Package]:
    """Reads .debs, given with their requested flag; decompression runs in threads.

    Returns the packages sorted by name. Raises RootfsError for a malformed .deb, a package of
    another architecture, an unknown control file, or a package given twice.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        packages = list(pool.map(lambda item: load_package(item[0], item[1], arch), debs))
    packages.sort(key=lambda package: package.name)
    for first, second in itertools.pairwise(packages):
        if first.name == second.name:
            raise RootfsError(
                first.name,
                f"is in the set twice, as {first.version} and {second.version}",
                "Give every package once; a layer must not repeat what is below it.",
            )
    return packages


def load_package(path: Path, requested: bool, arch: str) -> Package:
    """Reads one .deb."""
    try:
        deb = read_deb(path)
        files = tuple(_package_files(deb))
    except DebError as error:
        raise RootfsError(
            str(error.path), error.why, "Fetch the package again; see docs/locking.md."
        ) from None
    package = Package(dict(deb.control), dict(deb.control_files), files, requested)
    if package.architecture not in (arch, "all"):
        raise RootfsError(
            str(path),
            f"is for {package.architecture}, not {arch}",
            "Use the lock of that platform.",
        )
    unknown = sorted(set(deb.control_files) - KNOWN_CONTROL_FILES)
    if unknown:
        raise RootfsError(
            f"{package.name} {package.version}",
            f"has control files of unknown meaning: {', '.join(unknown)}",
            "Learn what dpkg does with them, then extend tools/rootfs/package.py.",
        )
    return package


def _package_files(deb: Deb) -> list[PackageFile]:
    files: list[PackageFile] = []
    name = deb.control["Package"]
    for info, data in deb.members():
        path = "" if info.name == "." else info.name
        target = ""
        kind: Kind
        if info.isdir():
            kind = "dir"
        elif info.isreg():
            kind = "file"
        elif info.issym():
            kind, target = "symlink", info.linkname
        elif info.islnk():
            kind, target = "hardlink", info.linkname.removeprefix("./")
        else:
            raise RootfsError(
                f"{deb.path}: {info.name}",
                f"is of tar type {info.type!r}, neither file, directory nor link",
                "Container images have no devices or pipes: drop the package.",
            )
        entry = Entry(
            kind, info.mode & 0o7777, info.uid, info.gid, int(info.mtime), target, data, name
        )
        files.append(PackageFile(path, entry))
    return files
