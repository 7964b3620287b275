"""The packages an Alpine tree is made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.apk import Apk, read_apk
from tools.rootfs.command import bazel
from tools.rootfs.members import entry_of
from tools.rootfs.package_set import PackageSet
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A member: its path (no leading slash), entry, and SHA-1 (empty for directories)."""

    path: str
    entry: Entry
    checksum: bytes


@dataclass(frozen=True)
class Package:
    """One package; `size` is its .apk's, `requested` whether someone asked for it by name."""

    apk: Apk
    size: int
    requested: bool

    @property
    def name(self) -> str:
        """The package's name."""
        return self.apk.one("pkgname")

    @property
    def version(self) -> str:
        """The package's version."""
        return self.apk.one("pkgver")

    @property
    def time(self) -> int:
        """When the package was built as it says itself, in seconds since 1970.

        Its builddate; where it has none, the time of the newest file.
        """
        said = int(self.apk.one("builddate", "0"))
        return said or max((file.entry.mtime for file in self.files), default=0)

    @cached_property
    def files(self) -> tuple[PackageFile, ...]:
        """The data archive in its order."""
        try:
            return tuple(_package_files(self))
        except AlpineError as error:
            raise _unusable(error) from None


def load_packages(package_set: PackageSet, arch: str) -> list[Package]:
    """The packages of a locked set, sorted by name.

    Raises RootfsError for one that isn't as locked, malformed, or of another architecture.
    """
    packages = [_load(p.path, p.sha256, p.requested, arch) for p in package_set.packages]
    return sorted(packages, key=lambda package: package.name)


def _load(path: Path, sha256: str, requested: bool, arch: str) -> Package:
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise RootfsError(
            str(path),
            f"has the sha256 {found}, not {sha256} as locked",
            f"To fetch it again: {bazel()} clean --expunge",
        )
    try:
        package = Package(read_apk(path), len(data), requested)
    except AlpineError as error:
        raise _unusable(error) from None
    if package.apk.one("arch") not in (arch, "noarch"):
        raise RootfsError(
            str(path),
            f"is for {package.apk.one('arch')}, not {arch}",
            "Use the lock of that platform.",
        )
    return package


def _package_files(package: Package) -> list[PackageFile]:
    files: list[PackageFile] = []
    for member in package.apk.members():
        path, entry = entry_of(member.info, member.data, package.name)
        files.append(PackageFile(path, entry, member.checksum))
    return files


def _unusable(error: AlpineError) -> RootfsError:
    return RootfsError(error.subject, error.why, "Fetch the package again; see docs/alpine.md.")
