"""uv.lock: a graph of packages below the project that uv locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools.wheels.locks.pins import LockError, Pin, Wheel, filename_of, sha256_of, unique
from tools.wheels.locks.target import Target

_VERSION: Final = 1
_PROJECTS: Final = ("editable", "virtual")


@dataclass(frozen=True)
class UvLock:
    """A lock of this form: its packages by name, and the file's name."""

    packages: Mapping[str, list[Mapping[str, Any]]]
    requires_python: str
    name: str
    index_options: tuple[str, ...] = ()

    def pins(self, target: Target) -> list[Pin]:
        """See `pins.Lock`: what the project needs, without its development groups."""
        full = target.environment["python_full_version"]
        if not SpecifierSet(self.requires_python).contains(full, prereleases=True):
            raise LockError(
                f"{self.name}: it is for Python {self.requires_python}, and the image has {full}"
            )
        roots = [each for all_ in self.packages.values() for each in all_ if _is_project(each)]
        if not roots:
            raise LockError(f"{self.name}: it has no project that needs its packages")
        seen: set[tuple[str, str, str]] = set()
        found: dict[tuple[str, str], Pin] = {}
        left = [(root, "") for root in roots]
        while left:
            package, extra = left.pop()
            key = (package["name"], str(package.get("version", "")), extra)
            if key in seen:
                continue
            seen.add(key)
            if not _is_project(package):
                found.setdefault(key[:2], self._pin(package))
            for needed in self._needs(package, extra):
                if self._holds(needed, target):
                    chosen = self._package(needed, target)
                    left += [(chosen, each) for each in ("", *needed.get("extra", ()))]
        return unique(list(found.values()))

    def _needs(self, package: Mapping[str, Any], extra: str) -> Iterable[Mapping[str, Any]]:
        optional: Mapping[str, Any] = package.get("optional-dependencies", {})
        found: Iterable[Mapping[str, Any]] = (
            optional.get(extra, ()) if extra else package.get("dependencies", ())
        )
        return found

    def _holds(self, needed: Mapping[str, Any], target: Target) -> bool:
        try:
            marker = Marker(needed["marker"]) if "marker" in needed else None
        except InvalidMarker as error:
            raise LockError(f"{self.name}: {needed['name']}: {error}") from None
        return marker is None or marker.evaluate({**target.environment, "extra": ""})

    def _package(self, needed: Mapping[str, Any], target: Target) -> Mapping[str, Any]:
        """The package a dependency means: uv names its version where there are several."""
        found = [
            package
            for package in self.packages.get(canonicalize_name(needed["name"]), ())
            if package.get("version") == needed.get("version", package.get("version"))
            and package.get("source") == needed.get("source", package.get("source"))
        ]
        if len(found) > 1:
            found = [package for package in found if self._resolved_for(package, target)]
        if len(found) != 1:
            raise LockError(f"{self.name}: {needed['name']}: it has {len(found)} packages for it")
        return found[0]

    def _resolved_for(self, package: Mapping[str, Any], target: Target) -> bool:
        markers = package.get("resolution-markers", ())
        environment = {**target.environment, "extra": ""}
        return not markers or any(Marker(marker).evaluate(environment) for marker in markers)

    def _pin(self, package: Mapping[str, Any]) -> Pin:
        name, version = canonicalize_name(package["name"]), str(package.get("version", ""))
        where = f"{self.name}: {name}"
        source = package.get("source", {})
        if not source.keys() & {"registry", "url"}:
            raise LockError(
                f"{where}: it comes from {dict(source)}, not as a wheel: leave it out of the lock, "
                "and give its wheel to python_app_image as `wheels`",
                relock=False,
            )
        wheels = tuple(self._wheel(wheel, where) for wheel in package.get("wheels", ()))
        url = str(source.get("url", ""))
        return Pin(name, version, where, tuple(each.sha256 for each in wheels), wheels, url)

    def _wheel(self, wheel: Mapping[str, Any], where: str) -> Wheel:
        url = str(wheel.get("url", ""))
        name = str(wheel.get("filename") or filename_of(url or str(wheel.get("path", ""))))
        if "hash" not in wheel:
            raise LockError(f"{where}: {name} has no hash")
        return Wheel(name, sha256_of(wheel["hash"], f"{where}: {name}"), url)


def _is_project(package: Mapping[str, Any]) -> bool:
    return any(kind in package.get("source", {}) for kind in _PROJECTS)


def parse(document: Mapping[str, Any], name: str) -> UvLock:
    """Check a document that is called `name`. LockError."""
    if document.get("version") != _VERSION:
        raise LockError(
            f"{name}: version {document.get('version')!r} of the format isn't known, only "
            f"{_VERSION}"
        )
    packages: dict[str, list[Mapping[str, Any]]] = {}
    for package in document.get("package", ()):
        packages.setdefault(canonicalize_name(package["name"]), []).append(package)
    return UvLock(packages, str(document.get("requires-python", "")), name)
