"""Which known vulnerabilities newer packages mend: what their changelogs say, and the tracker.

The archive's own security team writes CVE numbers into the changelog of what it mends. One package
of a source package is fetched for it, the smallest; what can't be read only lacks its numbers.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from debian.changelog import Changelog, ChangelogParseError
from debian.debian_support import Version

from tools.attestations.cves import tracker
from tools.attestations.cves.cves_error import CvesError
from tools.formats.debian.deb import DebError, read_deb
from tools.packages.debian.lockfile import Package
from tools.packages.debian.mirrors import Mirror
from tools.update.fetch import Fetcher, UnreachableError
from tools.update.packages import Change, Kind

_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_CHANGELOG = re.compile(r"usr/share/doc/[^/]+/changelog(?:\.Debian)?\.gz")
_REBUILT = re.compile(r"\+b\d+$")
# Bytes of packages that are fetched for their changelogs, each and in all.
_LARGEST = 4 << 20
_BUDGET = 64 << 20

Key = tuple[str, str, str, str]


class NoChangelogError(Exception):
    """A package has no changelog of its own, or none that can be read."""


def key(change: Change) -> Key:
    """What has one changelog: suite, source package, old and new version."""
    old = "" if change.old is None else change.old.version
    return change.suite, change.source, old, change.package.version


def mentioned(changelog: str, old: str, new: str) -> frozenset[str]:
    """The CVE numbers in a changelog's entries after ``old``, up to ``new``.

    Raises:
        NoChangelogError: it isn't the changelog of these versions.
    """
    try:
        blocks = list(Changelog(changelog, strict=False))
        newest = Version(_REBUILT.sub("", new))
        if not blocks or Version(str(blocks[0].version)) != newest:
            # Some packages have a version of their own, not their source's.
            raise NoChangelogError(f"the newest entry isn't of {new}")
        return frozenset(
            number
            for block in blocks
            if Version(str(block.version)) > Version(old)
            for number in _CVE.findall(str(block))
        )
    except (ChangelogParseError, ValueError) as error:
        raise NoChangelogError(f"its changelog can't be read: {error}") from None


def changelog(deb: Path) -> str:
    """The text of Debian's changelog in a package.

    Raises:
        NoChangelogError: there is none.
    """
    try:
        packed = {
            member.name.removeprefix("./"): bytes(data)
            for member, data in read_deb(deb).members()
            if _CHANGELOG.fullmatch(member.name.removeprefix("./"))
        }
        # A native package's is called changelog.gz; of others that is the authors'.
        for name in sorted(packed, key=lambda one: "Debian" not in one):
            return gzip.decompress(packed[name]).decode("utf-8", "replace")
    except (DebError, OSError, EOFError, zlib.error) as error:
        raise NoChangelogError(str(error)) from None
    raise NoChangelogError("it has no changelog of its own")


def addresses(package: Package, mirrors: Sequence[Mirror]) -> list[str]:
    """Where a package may be available, in order."""
    path = package.path.removeprefix("security:")
    if path != package.path:
        return [f"{mirror.security}/{path}" for mirror in mirrors]
    return [f"{mirror.main}/{path}" for mirror in mirrors]


def _fetched(package: Package, mirrors: Sequence[Mirror], fetcher: Fetcher) -> bytes:
    failure = UnreachableError("there is no mirror")
    for url in addresses(package, mirrors):
        try:
            data = fetcher.get(url, f"{package.name}'s changelog")
        except UnreachableError as error:
            failure = error
            continue
        if hashlib.sha256(data).hexdigest() == package.sha256:
            return data
        failure = UnreachableError(f"{url} is not what the index says")
    raise failure


def _read(
    old: str, offers: Iterable[Package], mirrors: Sequence[Mirror], fetcher: Fetcher
) -> frozenset[str]:
    failure: Exception = NoChangelogError("every package of it is large")
    for package in offers:
        try:
            with tempfile.NamedTemporaryFile(suffix=".deb") as file:
                file.write(_fetched(package, mirrors, fetcher))
                file.flush()
                return mentioned(changelog(Path(file.name)), old, package.version)
        except (UnreachableError, NoChangelogError) as error:
            failure = error
    raise NoChangelogError(str(failure))


def from_changelogs(
    changes: Iterable[Change], mirrors: Sequence[Mirror], fetcher: Fetcher
) -> tuple[dict[Key, frozenset[str]], list[str]]:
    """CVE numbers by what has one changelog, and of which source packages none could be read."""
    newer: dict[Key, dict[str, Package]] = {}
    for change in changes:
        if change.kind is Kind.NEWER and change.new is not None:
            newer.setdefault(key(change), {})[change.new.sha256] = change.new
    found: dict[Key, frozenset[str]] = {}
    unread: list[str] = []
    left = _BUDGET
    for which, packages in newer.items():
        if _REBUILT.sub("", which[2]) == _REBUILT.sub("", which[3]):
            continue  # the same source, built again
        offers = sorted(packages.values(), key=lambda one: (one.size, one.name))[:2]
        offers = [one for one in offers if one.size <= min(left, _LARGEST)]
        left -= sum(one.size for one in offers)
        try:
            found[which] = _read(which[2], offers, mirrors, fetcher)
        except NoChangelogError:
            unread.append(which[1])
    return found, sorted(set(unread))


def from_tracker(changes: Iterable[Change], data: str) -> dict[Key, frozenset[str]]:
    """CVE numbers that a security tracker's data, a file or an address, say were mended.

    Raises:
        CvesError: the data isn't available.
    """
    known = tracker.load([data], Path.cwd())
    found: dict[Key, frozenset[str]] = {}
    for which in {key(one) for one in changes if one.kind is Kind.NEWER}:
        suite, source, old, new = which
        found[which] = frozenset(
            entry.id
            for entry in known.entries(source, suite)
            if entry.status == "resolved"
            and entry.fixed_version != "0"
            and known.older(old, entry.fixed_version)
            and not known.older(new, entry.fixed_version)
        )
    return found


def merged(*parts: Mapping[Key, frozenset[str]]) -> dict[Key, frozenset[str]]:
    """All numbers of each."""
    made: dict[Key, frozenset[str]] = {}
    for part in parts:
        for which, numbers in part.items():
            made[which] = made.get(which, frozenset()) | numbers
    return made


__all__ = ["CvesError", "addresses", "from_changelogs", "from_tracker", "merged"]
