"""catalog/alpine.yaml: which packages of which Alpine releases are locked, and whose keys count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.alpine import lockfile
from tools.catalog import yamlfile
from tools.catalog.yamlfile import Value

FILE = "alpine.yaml"
_SET_NAME = r"[a-z][a-z0-9_]*"
_PACKAGE = r"[A-Za-z0-9][A-Za-z0-9+._:/-]*"


@dataclass(frozen=True)
class PackageSet:
    """Packages to resolve: on a system with the set `above`, or on an empty one."""

    name: str
    packages: tuple[str, ...]
    above: str | None


@dataclass(frozen=True)
class Release:
    """One Alpine release; `architectures` maps each of its platforms to Alpine's name."""

    name: str
    branch: str
    architectures: Mapping[str, str]
    sets: tuple[PackageSet, ...]


@dataclass(frozen=True)
class Alpine:
    """The whole file: `keys` maps a key's name to its SHA-256."""

    repositories: tuple[str, ...]
    keys: Mapping[str, str]
    releases: Mapping[str, Release]


def _sets(value: Value) -> tuple[PackageSet, ...]:
    found: dict[str, PackageSet] = {}
    mapping = value.mapping()
    for name, item in mapping.items():
        mapping.key(name).matching(_SET_NAME, "a set's name", "use a-z, 0-9 and _")
        row = item.mapping()
        packages = row.need("packages", "list the packages to ask for")
        for package in packages.sequence():
            package.matching(_PACKAGE, "a package's name", "write the binary package's name")
        above = row.get("above")
        found[name] = PackageSet(
            name,
            packages.names(),
            # A set is resolved after the one below it, so that one has to stand earlier.
            above.one_of(found, "earlier package set") if above else None,
        )
        if not found[name].packages:
            raise packages.error("names no package", "name one or remove the set")
        row.done()
    return tuple(found.values())


def _release(name: str, value: Value, architectures: Mapping[str, str]) -> Release:
    row = value.mapping()
    branch = row.need("branch", "write the folder on a mirror, such as v3.24")
    platforms = row.need("platforms", "list platforms")
    sets = row.need("package_sets", "list package sets")
    row.done()
    platforms.names()
    named = [item.one_of(architectures, "platform") for item in platforms.sequence()]
    return Release(
        name,
        branch.matching(r"v\d+\.\d+", "a branch", "write it as v3.24"),
        {platform: architectures[platform] for platform in named},
        _sets(sets),
    )


def load(directory: Path, shown: Path | None = None) -> Alpine:
    """Reads and checks the file of the catalog in `directory`, shown as `shown`.

    Raises CatalogError.
    """
    top = yamlfile.read(directory / FILE, (shown or directory) / FILE)
    rows = {
        key: top.need(key, f"add {key}")
        for key in ("architectures", "repositories", "keys", "releases")
    }
    top.done()
    architectures = {
        platform: value.matching(r"[a-z0-9_]+", "an architecture", "write Alpine's name of it")
        for platform, value in rows["architectures"].mapping().items()
    }
    for repository in rows["repositories"].sequence():
        repository.matching("[a-z]+", "a repository", "write main, community, ...")
    keys = rows["keys"].mapping()
    trusted = {}
    for name, value in keys.items():
        keys.key(name).matching(r"[^/\s]+\.rsa\.pub", "a key's name", "write it as signatures do")
        trusted[name] = value.matching(
            "[0-9a-f]{64}",
            "a SHA-256",
            "give that of the key in DER: openssl pkey -pubin -outform DER",
        )
    releases = rows["releases"].mapping()
    found = {}
    for name, value in releases.items():
        releases.key(name).matching(
            lockfile.RELEASE, "an Alpine release", "write it as tags do, such as alpine3.24"
        )
        found[name] = _release(name, value, architectures)
    return Alpine(rows["repositories"].names(), trusted, found)
