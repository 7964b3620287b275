"""What differs between two locks of a suite and architecture, by what it means."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from debian.debian_support import Version

from tools.packages.debian.lockfile import Lock, Package

_POOL = re.compile(r"(?P<security>security:)?pool/(?:updates/)?[^/]+/[^/]+/(?P<source>[^/]+)/")


class Kind(enum.Enum):
    """What has become of a package."""

    ADDED = "added"
    REMOVED = "removed"
    NEWER = "newer"
    OLDER = "older"
    # The same version with other bytes: a person has accepted it (lock_debian.py).
    CONTENT = "with other content"
    # The same bytes, in other package sets.
    SETS = "in other sets"


@dataclass(frozen=True)
class Change:
    """A package that isn't in both locks as it was.

    Attributes:
        arch: the locks' architecture, as Debian calls it.
        old, new: its lines; None where it is in one of the locks only.
    """

    suite: str
    arch: str
    kind: Kind
    old: Package | None
    new: Package | None

    @property
    def package(self) -> Package:
        """The package as it is now, or as it was when it's gone."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def source(self) -> str:
        """The source package, which names the folder in the archive."""
        match = _POOL.match(self.package.path)
        return self.package.name if match is None else match["source"]

    @property
    def from_security(self) -> bool:
        """Whether what is new comes from the security archive."""
        return self.new is not None and self.new.path.startswith("security:")

    @property
    def sets(self) -> frozenset[str]:
        """All package sets it is or was in."""
        both = (one.sets for one in (self.old, self.new) if one is not None)
        return frozenset(name for sets in both for name in sets)

    def accepted(self, names: Iterable[str]) -> bool:
        """Whether ``NAME=VERSION`` of what is new is among those a person has looked at."""
        return f"{self.package.name}={self.package.version}" in names


def _kind(old: Package, new: Package) -> Kind | None:
    if old.version != new.version:
        return Kind.OLDER if Version(new.version) < Version(old.version) else Kind.NEWER
    if old.sha256 != new.sha256:
        return Kind.CONTENT
    return None if old.sets == new.sets else Kind.SETS


def compare(old: Lock | None, new: Lock) -> list[Change]:
    """What has changed, by name; everything is added where there was no lock.

    A package that only lies at another place of the archive hasn't.
    """
    before = {package.name: package for package in old.packages} if old else {}
    after = {package.name: package for package in new.packages}
    found: list[Change] = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            kind: Kind | None = Kind.ADDED if was is None else Kind.REMOVED
        else:
            kind = _kind(was, now)
        if kind is not None:
            found.append(Change(new.suite, new.arch, kind, was, now))
    return found


def older(changes: Iterable[Change], accepted: Sequence[str]) -> list[Change]:
    """Packages that would go back, as with a mirror that is behind, and nobody accepted that."""
    return [one for one in changes if one.kind is Kind.OLDER and not one.accepted(accepted)]
