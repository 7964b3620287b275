"""catalog/alpine.yaml: Alpine's releases, what is locked of them, and the images on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import load as catalog_load
from tools.catalog import platforms, shape, tags
from tools.catalog.model import Catalog, Version
from tools.catalog.yamlfile import Value

FILE = "alpine.yaml"
RELEASE = r"alpine\d+\.\d+"


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
    """The whole file.

    Attributes:
        repositories: folders of a branch, looked into in this order.
        keys: a key's name -> its SHA-256.
        minors: minor versions of Python that have images on Alpine.
        releases: by name, in the order pages list them.
    """

    repositories: tuple[str, ...]
    keys: Mapping[str, str]
    minors: tuple[str, ...]
    releases: Mapping[str, Release]

    def variants(self, version: Version) -> list[str]:
        """The variants a release of Python has on Alpine, the default one first."""
        if version.minor.name not in self.minors or version.release.free_threaded:
            return []
        return list(self.releases)


@dataclass(frozen=True)
class AlpineImage:
    """One image: a release of Python on one of Alpine's; no other image has its tags."""

    version: Version
    release: Release
    tags: tuple[str, ...]

    @property
    def archived(self) -> bool:
        """Whether it can be built only, and nothing publishes it."""
        return self.version.archived

    @property
    def name(self) -> str:
        """The first tag."""
        return self.tags[0]


def images(catalog: Catalog, alpine: Alpine) -> list[AlpineImage]:
    """Every image on Alpine, newest release of Python first."""
    newest = catalog.newest()
    made = []
    for version in catalog.versions.values():
        on_alpine = alpine.variants(version)
        debian = [variant.on(suite.name) for suite, variant in catalog.combinations(version)]
        bases = tags.base_tags(
            version.release,
            version.aliases,
            newest=newest[version.release.label] is version,
            revision=version.serial,
        )
        for variant in on_alpine:
            names = tuple(tags.simple_tags(bases, variant, (*debian, *on_alpine)))
            made.append(AlpineImage(version, alpine.releases[variant], names))
    return made


def export(catalog: Catalog, alpine: Alpine | None) -> dict[str, object]:
    """What Starlark is told of Alpine images; the shape is in export.py."""
    if alpine is None:
        return {"releases": {}, "images": []}
    return {
        "releases": {
            release.name: {
                "branch": release.branch,
                "platforms": dict(release.architectures),
                "sets": [package_set.name for package_set in release.sets],
            }
            for release in alpine.releases.values()
        },
        "images": [
            {
                "name": image.name,
                "version": image.version.name,
                "release": image.release.name,
                "tags": list(image.tags),
                "archived": image.archived,
            }
            for image in images(catalog, alpine)
        ],
    }


def _sets(value: Value) -> tuple[PackageSet, ...]:
    found: dict[str, PackageSet] = {}
    mapping = value.mapping()
    for name, item in mapping.items():
        row = item.mapping()
        above = row.get("above")
        found[name] = PackageSet(
            name,
            row["packages"].names(),
            # A set is resolved after the one below it, so that one has to stand earlier.
            above.one_of(found, "earlier package set") if above else None,
        )
    return tuple(found.values())


def _release(name: str, value: Value, architectures: Mapping[str, str]) -> Release:
    row = value.mapping()
    named = [item.one_of(architectures, "platform") for item in row["platforms"].sequence()]
    return Release(
        name,
        row["branch"].name(),
        {name: architectures[name] for name in named},
        _sets(row["package_sets"]),
    )


def load(directory: Path, shown: Path | None = None) -> Alpine:
    """Read and check the file of the catalog in `directory`, shown as `shown`.

    Raises CatalogError.
    """
    top = shape.read("alpine", directory / FILE, (shown or directory) / FILE, aliases=True)
    architectures = {
        platform.name: platform.alpine.name
        for platform in platforms.read(directory, shown).platforms.values()
        if platform.alpine is not None
    }
    trusted = {name: value.name() for name, value in top["keys"].mapping().items()}
    listed = top.get("minors")
    if listed is not None:
        known = catalog_load.minors(directory, shown)
        for minor in listed.sequence():
            minor.one_of(known, "minor version")
    found = {
        name: _release(name, value, architectures)
        for name, value in top["releases"].mapping().items()
    }
    minors = () if listed is None else listed.names()
    return Alpine(top["repositories"].names(), trusted, minors, found)


def read(directory: Path, shown: Path | None = None) -> Alpine | None:
    """As `load`; None if the catalog in `directory` has no such file. Raises CatalogError."""
    return load(directory, shown) if (directory / FILE).is_file() else None
