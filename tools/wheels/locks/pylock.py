"""pylock.toml, the standard's form of a lock (PEP 751)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from packaging.markers import Marker
from packaging.pylock import Package, Pylock, PylockValidationError

from tools.wheels.locks.pins import LockError, Pin, Wheel, filename_of, sha256_of, unique
from tools.wheels.locks.target import Target


@dataclass(frozen=True)
class Standard:
    """A lock of this form; `name` is the file's."""

    lock: Pylock
    name: str
    index_options: tuple[str, ...] = ()

    def pins(self, target: Target) -> list[Pin]:
        """See `pins.Lock`."""
        wanted = self.lock.requires_python
        full = target.environment["python_full_version"]
        if wanted and not wanted.contains(full, prereleases=True):
            raise LockError(f"{self.name}: it is for Python {wanted}, and the image has {full}")
        environments = self.lock.environments
        if environments and not any(self._holds(marker, target) for marker in environments):
            raise LockError(f"{self.name}: it is for none of the environments of {target}")
        chosen = [
            _pin(package, f"{self.name}: {package.name}")
            for package in self.lock.packages
            if not package.marker or self._holds(package.marker, target)
        ]
        return unique(chosen)

    def _holds(self, marker: Marker, target: Target) -> bool:
        """Whether a marker holds, without extras and with the default groups."""
        groups = frozenset(self.lock.default_groups or ())
        values: dict[str, str | AbstractSet[str]] = {
            **target.environment,
            "extras": frozenset[str](),
            "dependency_groups": groups,
        }
        return marker.evaluate(values, context="lock_file")


def parse(document: Mapping[str, Any], name: str) -> Standard:
    """Check a document that is called `name`. LockError."""
    try:
        return Standard(Pylock.from_dict(document), name)
    except PylockValidationError as error:
        raise LockError(f"{name}: {error}") from None


def _pin(package: Package, where: str) -> Pin:
    version = str(package.version or "")
    if package.vcs or package.directory:
        raise LockError(
            f"{where}: it comes from a folder or a repository, not as a wheel: leave it out of the "
            "lock, and give its wheel to python_app_image as `wheels`",
            relock=False,
        )
    if package.archive:
        url = package.archive.url or package.archive.path or ""
        found = _hash(package.archive.hashes, f"{where}: {filename_of(url)}")
        named = filename_of(url).endswith(".whl")
        one = (Wheel(filename_of(url), found, url),) if named else ()
        return Pin(package.name, version, where, (found,), one, url)
    wheels = tuple(
        Wheel(wheel.filename, _hash(wheel.hashes, f"{where}: {wheel.filename}"), wheel.url or "")
        for wheel in package.wheels or ()
    )
    hashes = tuple(wheel.sha256 for wheel in wheels)
    return Pin(package.name, version, where, hashes, wheels)


def _hash(hashes: Mapping[str, str], where: str) -> str:
    if "sha256" not in hashes:
        raise LockError(f"{where} has no sha256")
    return sha256_of(f"sha256:{hashes['sha256']}", where)
