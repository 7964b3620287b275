"""catalog/ubuntu.yaml: Ubuntu's suites, which a family of images can be built on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import load as catalog_load
from tools.catalog import shape, yamlfile
from tools.catalog.model import Catalog, Suite
from tools.catalog.yamlfile import Value

FILE = "ubuntu.yaml"
ARCHIVES = ("archive", "ports")
# What a suite has no images without: see catalog/package_sets.yaml.
_NEEDED = ("base", "libraries")
_BUILD_NEEDED = ("sysroot",)


@dataclass(frozen=True)
class Ubuntu:
    """The whole file.

    Attributes:
        components: of the archive, that packages are taken from.
        archives: the half of the archive, of ARCHIVES, that has a platform, by its name.
        suites: by name, in the file's order; their security updates are for all their platforms.
    """

    components: tuple[str, ...]
    archives: Mapping[str, str]
    suites: Mapping[str, Suite]


def export(ubuntu: Ubuntu | None) -> dict[str, object]:
    """What Starlark is told of Ubuntu's suites; the shape is in export.py."""
    if ubuntu is None:
        return {"suites": {}}
    return {"suites": {suite.name: export_suite(suite) for suite in ubuntu.suites.values()}}


def export_suite(suite: Suite) -> dict[str, object]:
    """What Starlark is told of a suite, of Debian's or Ubuntu's."""
    return {
        "release": suite.release,
        "platforms": list(suite.platforms),
        "eol": suite.eol.isoformat(),
        "published": list(suite.published),
        "ended": suite.ended,
        "package_sets": {name: list(names) for name, names in suite.package_sets.items()},
        "build_sets": {name: list(names) for name, names in suite.build_sets.items()},
        "build_flags": dataclasses.asdict(suite.build_flags),
    }


def _archives(value: Value, platforms: Mapping[str, object]) -> dict[str, str]:
    row = value.mapping()
    found: dict[str, str] = {}
    for archive in ARCHIVES:
        for item in row[archive].sequence():
            platform = item.one_of(platforms, "platform")
            if platform in found:
                raise item.error(f"{platform!r} is in both halves", "leave it in one of them")
            found[platform] = archive
    return found


def _sets(value: Value, needed: Iterable[str]) -> dict[str, tuple[str, ...]]:
    mapping = value.mapping()
    for name in needed:
        mapping.need(name, f"add the set {name}; see catalog/package_sets.yaml")
    return {key: item.names() for key, item in mapping.items()}


def _suite(name: str, value: Value, archives: Mapping[str, str]) -> Suite:
    row = value.mapping()
    listed = row["platforms"]
    package_sets = row["package_sets"]
    build_sets = row["build_sets"]
    release = row["release"]
    eol = row["eol"]
    flags = row["build_flags"]
    platforms = tuple(item.one_of(archives, "platform of `archives`") for item in listed.sequence())
    compilers = tuple(f"cc_{platform}" for platform in platforms)
    return Suite(
        name=name,
        release=release.name(),
        point_release=None,
        platforms=platforms,
        security=platforms,
        eol=eol.date(),
        package_sets=_sets(package_sets, _NEEDED),
        build_sets=_sets(build_sets, (*_BUILD_NEEDED, *compilers)),
        build_flags=catalog_load.build_flags(flags, platforms),
        lts=None,
        published=platforms,
        ended=False,
    )


def load(directory: Path, catalog: Catalog, shown: Path | None = None) -> Ubuntu:
    """Read and check the file in `directory`, shown as `shown`; `catalog` is the rest of it.

    Raises CatalogError.
    """
    top = shape.read("ubuntu", directory / FILE, (shown or directory) / FILE, aliases=True)
    components = top["components"]
    archives = _archives(top["archives"], catalog.platforms)
    rows = top["suites"].mapping()
    suites = {}
    for name, value in rows.items():
        key = rows.key(name)
        if name in catalog.suites:
            raise key.error(f"{name!r} is also one of Debian's", "leave it in one of the files")
        suites[name] = _suite(name, value, archives)
    return Ubuntu(components.names(), archives, suites)


def suite_names(directory: Path) -> list[str]:
    """Names of the suites alone, unchecked; none if there is no such file. Raises CatalogError."""
    if not (directory / FILE).is_file():
        return []
    top = yamlfile.read(directory / FILE, Path(directory.name) / FILE, aliases=True)
    suites = top.get("suites")
    return [] if suites is None else [name for name, _ in suites.mapping().items()]


def read(directory: Path, catalog: Catalog, shown: Path | None = None) -> Ubuntu | None:
    """As `load`; None if the catalog in `directory` has no such file. Raises CatalogError."""
    return load(directory, catalog, shown) if (directory / FILE).is_file() else None
