"""The sets of Debian packages, and which lies above which: catalog/package_sets.yaml."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import shape, yamlfile

FILE = "package_sets.yaml"
# The mappings of sets, there and in a suite, by whether only the build uses those sets.
KEYS = {False: "package_sets", True: "build_sets"}


@dataclass(frozen=True)
class PackageSet:
    """What to resolve for one suite, as catalog/package_sets.yaml explains it.

    `packages` are the names asked for; `above` names the set below this one, or is None for an
    empty system; `debian` is the only Debian architecture the set is for, or None; `build` tells
    whether only the build uses it; `bare`, whether it is the packages named without what those
    depend on.
    """

    name: str
    packages: tuple[str, ...]
    minbase: bool
    above: str | None
    debian: str | None
    build: bool = False
    bare: bool = False

    @property
    def key(self) -> str:
        """The set's place below a suite in suites.yaml, for errors."""
        return f"{KEYS[self.build]}.{self.name}"


def read_rules(file: Path, shown: Path, archs: set[str]) -> dict[str, PackageSet]:
    """The sets of package_sets.yaml, still without packages. Raises CatalogError."""
    top = shape.read("package_sets", file, shown)
    rows = {build: top[key] for build, key in KEYS.items()}
    found: dict[str, PackageSet] = {}
    for build, value in rows.items():
        found |= _read_rules(value.mapping(), archs, found, build=build)
    return found


def _read_rules(
    mapping: yamlfile.Mapping, archs: set[str], others: Collection[str], *, build: bool
) -> dict[str, PackageSet]:
    found: dict[str, PackageSet] = {}
    for name, value in mapping.items():
        key = mapping.key(name)
        if name in others:
            raise key.error(f"{name!r} is in {KEYS[not build]} already", "leave it in one of them")
        row = value.mapping()
        minbase, above, debian = row.get("minbase"), row.get("above"), row.get("debian")
        bare = row.get("bare")
        found[name] = PackageSet(
            name=name,
            packages=(),
            minbase=minbase.boolean() if minbase else False,
            # A set is resolved after the one below it, so that one has to stand earlier.
            above=above.one_of(found, "earlier package set") if above else None,
            debian=debian.one_of(archs, "Debian architecture") if debian else None,
            build=build,
            bare=bare.boolean() if bare else False,
        )
        if bare and found[name].bare and found[name].minbase:
            raise bare.error("minbase is a set with its dependencies", "leave one of the two out")
    return found
