"""The packages a tree is made of, and reading many .debs at once."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tools.formats.debian.deb import ControlFile, Deb, DebError, read_deb
from tools.rootfs.members import entry_of
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry

_T = TypeVar("_T")
_R = TypeVar("_R")

# Control files dpkg knows and whose meaning is handled. The maintainer scripts a first
# installation runs are reviewed one by one (scripts.py); prerm and postrm run when a package is
# replaced or removed only.
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

    def __reduce__(self) -> tuple[Any, ...]:
        """As of an entry."""
        return PackageFile, (self.path, self.entry)


@dataclass(frozen=True)
class Package:
    """One binary package; its data archive is unpacked when `files` is first asked for.

    Attributes:
        deb: the archive it comes from.
        requested: whether someone asked for it by name, rather than for what depends on it.
    """

    deb: Deb
    requested: bool

    @property
    def control(self) -> Mapping[str, str]:
        """Fields of the control file."""
        return self.deb.control

    @property
    def control_files(self) -> Mapping[str, ControlFile]:
        """The control archive, by name."""
        return self.deb.control_files

    @cached_property
    def files(self) -> tuple[PackageFile, ...]:
        """The data archive in its order, paths as shipped (``bin/sh`` even on a merged system)."""
        try:
            return tuple(_package_files(self.deb))
        except DebError as error:
            raise _unusable(error) from None

    @cached_property
    def conffiles(self) -> tuple[str, ...]:
        """Lines of dpkg's Conffiles field: path and MD5 of what the package ships."""
        return tuple(_conffiles(self))

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
    def time(self) -> int:
        """When the package was built as it says itself, in seconds since 1970.

        The archive's time; where it has none, that of the newest file.
        """
        return self.deb.time or max((file.entry.mtime for file in self.files), default=0)

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


def in_threads(do: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """What `do` gives for each item, in their order; raises what the first that fails raises.

    Reading, hashing and decompressing leave other threads alone.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(do, items))


def load_packages(debs: Sequence[tuple[Path, bool]], arch: str) -> list[Package]:
    """Read .debs, given with their requested flag; see load_package.

    Returns the packages sorted by name; RootfsError for a package given twice.
    """
    packages = in_threads(lambda deb: load_package(*deb, arch), debs)
    packages.sort(key=lambda package: package.name)
    for first, second in itertools.pairwise(packages):
        if first.name == second.name:
            raise RootfsError(
                first.name,
                f"is in the set twice, as {first.version} and {second.version}",
                "Give every package once; a layer must not repeat what is below it.",
            )
    return packages


def unpack_all(packages: Iterable[Package]) -> None:
    """Unpack data archives in threads; decompression is most of a run's time."""
    largest_first = sorted(packages, key=lambda p: -int(p.control.get("Installed-Size") or "0"))
    in_threads(lambda package: package.files, largest_first)


def load_package(path: Path, requested: bool, arch: str) -> Package:
    """Read the control archive of one .deb.

    Raises RootfsError for a malformed .deb, a package of another architecture, or a control file
    of unknown meaning.
    """
    try:
        package = Package(read_deb(path), requested)
    except DebError as error:
        raise _unusable(error) from None
    if package.architecture not in (arch, "all"):
        raise RootfsError(
            str(path),
            f"is for {package.architecture}, not {arch}",
            "Use the lock of that platform.",
        )
    unknown = sorted(set(package.control_files) - KNOWN_CONTROL_FILES)
    if unknown:
        raise RootfsError(
            f"{package.name} {package.version}",
            f"has control files of unknown meaning: {', '.join(unknown)}",
            "Learn what dpkg does with them, then extend tools/rootfs/debian/package.py.",
        )
    return package


def control_lines(package: Package, name: str) -> list[str]:
    """The lines of a control file that is text; none if the package hasn't got it.

    RootfsError for what is no UTF-8, or has other control characters than line feeds and tabs.
    """
    found = package.control_files.get(name)
    if found is None:
        return []
    subject = f"{name} of {package.name}"
    try:
        text = found.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RootfsError(subject, f"is no UTF-8: {error}", "Review the package.") from None
    lines = text.split("\n")
    for line in lines:
        if line.replace("\t", "").isprintable() or line == "":
            continue
        raise RootfsError(subject, f"has the line {line!r}", "Review the package.")
    return lines


def _unusable(error: DebError) -> RootfsError:
    return RootfsError(str(error.path), error.why, "Fetch the package again; see docs/locking.md.")


def _conffiles(package: Package) -> list[str]:
    contents = {f"/{f.path}": f.entry for f in package.files if f.entry.kind == "file"}
    lines: list[str] = []
    for line in control_lines(package, "conffiles"):
        words = line.split()
        if len(words) == 2 and words[0] == "remove-on-upgrade":
            lines.append(f"{words[1]} newconffile remove-on-upgrade")
        elif len(words) == 1 and words[0] in contents:
            content = contents[words[0]].content
            # dpkg's own checksum of configuration files.
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            lines.append(f"{words[0]} {digest}")
        elif words:
            raise RootfsError(
                f"conffiles of {package.name}",
                f"has the line {line!r}, which names no file of the package",
                "Review the package.",
            )
    return lines


def _package_files(deb: Deb) -> list[PackageFile]:
    name = deb.control["Package"]
    return [PackageFile(*entry_of(info, data, name)) for info, data in deb.members()]
