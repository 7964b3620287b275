"""A digest of what an image is made of: without a build it tells which recorded result is old.

In it are the locked packages of the image's layers, the row of its CPython and its configuration. A
change of any of these changes the image. The rules, tools and compilers that make it aren't in it:
most of their changes change no image, and which do is known only after a build.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from tools.catalog.family import Build
from tools.catalog.model import Catalog, Image, Version
from tools.packages.debian import lockfile
from tools.packages.debian.lockfile import Lock, Package

LOCKS = Path("third_party/debian")
# Run-time libraries that CPython may need; the runtime layer takes some.
_LIBRARIES = "libraries"


def _line(package: Package) -> str:
    return f"{package.name} {package.version} {package.arch} {package.sha256}"


def _cpython(version: Version, wheels: Mapping[str, str]) -> dict[str, object]:
    revision = version.revision
    return {
        "release": version.name,
        "sha256": version.sha256,
        "released": version.released.isoformat(),
        "wheels": {name: wheels[name] for name in version.minor.wheels},
        "patches": [patch.sha256 for patch in revision.patches] if revision else [],
        "revised": [revision.number, revision.day.isoformat()] if revision else [],
    }


class Inputs:
    """Digests of the inputs of a checkout's images; each lock is read once."""

    def __init__(self, root: Path, catalog: Catalog) -> None:
        """``root`` is the checkout with ``third_party``, ``catalog`` what it builds."""
        self._locks = root / LOCKS
        self._catalog = catalog
        self._read: dict[str, Lock | None] = {}

    def _lock(self, image: Image, platform: str) -> Lock | None:
        arch = self._catalog.platforms[platform].debian
        name = f"{lockfile.stem(image.suite.name, arch)}.lock"
        if name not in self._read:
            file = self._locks / name
            self._read[name] = lockfile.read(file) if file.is_file() else None
        return self._read[name]

    def of(self, image: Image, platform: str, build: Build | None = None) -> str | None:
        """The digest of an image's inputs, ``sha256:...``; None where its packages aren't locked.

        Args:
            image: of the catalog, or of a family.
            platform: one it is built for.
            build: what the family says of its images; None of the catalog's own.

        Raises:
            LockError: the lock is malformed.
        """
        lock = self._lock(image, platform)
        if lock is None:
            return None
        sets = {*image.variant.layers, *image.variant.above, _LIBRARIES}
        packages = [_line(package) for package in lock.packages if sets & set(package.sets)]
        facts = {
            "cpython": _cpython(image.version, self._catalog.wheels),
            "env": dict(build.env) if build else image.version.env,
            "cmd": list(build.cmd) if build else [],
            "layers": [image.variant.root, image.variant.strip, *image.variant.layers],
            "packages": sorted(packages),
            "platform": platform,
        }
        # Others have none of this.
        if image.variant.hardened:
            variant = image.variant
            facts["variant"] = {
                "above": list(variant.above),
                "features": list(variant.features),
                "path": list(variant.path),
                "user": variant.user and dataclasses.asdict(variant.user),
            }
        text = json.dumps(facts, sort_keys=True)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
