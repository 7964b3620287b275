"""The package sets of the catalog: what is to be locked for which suite and architecture."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tools.catalog import load as catalog
from tools.catalog import yamlfile
from tools.catalog.errors import CatalogError
from tools.catalog.model import Suite

FILE = "package_sets.yaml"
# The mappings of sets, there and in a suite, by whether only the build uses those sets.
KEYS = {False: "package_sets", True: "build_sets"}
_SET_NAME = r"[a-z][a-z0-9_]*"
_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


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


@dataclass(frozen=True)
class Plan:
    """All sets to lock: Debian architectures per suite, and sets per suite in resolving order.

    `sets` has those for images and those that only the build uses.

    `secured` are the pairs (suite, architecture) the security archive has.
    """

    archs: Mapping[str, tuple[str, ...]]
    secured: frozenset[tuple[str, str]]
    sets: Mapping[str, tuple[PackageSet, ...]]

    def sets_for(self, suite: str, arch: str, *, build: bool = False) -> tuple[PackageSet, ...]:
        """The sets of the lock, or build lock, of a suite and architecture."""
        return sets_for(self.sets[suite], arch, build=build)


def sets_for(
    sets: Iterable[PackageSet], arch: str, *, build: bool = False
) -> tuple[PackageSet, ...]:
    """The sets of a suite that its lock, or build lock, contains, of an architecture."""
    return tuple(s for s in sets if s.debian in (None, arch) and s.build == build)


def read_rules(file: Path, shown: Path, archs: set[str]) -> dict[str, PackageSet]:
    """The sets of package_sets.yaml, still without packages. Raises CatalogError."""
    top = yamlfile.read(file, shown)
    rows = {build: top.need(key, "add a mapping of package sets") for build, key in KEYS.items()}
    top.done()
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
        key.matching(_SET_NAME, "a set's name", "use a-z, 0-9 and _")
        if name in others:
            raise key.error(f"{name!r} is in {KEYS[not build]} already", "leave it in one of them")
        row = value.mapping()
        minbase, above, debian = row.get("minbase"), row.get("above"), row.get("debian")
        bare = row.get("bare")
        row.done()
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


def sets_of(file: Path, suite: Suite, rules: Mapping[str, PackageSet]) -> tuple[PackageSet, ...]:
    """The suite's sets with their packages, in the order of `rules`; `file` has them.

    Raises CatalogError.
    """
    listed = {False: suite.package_sets, True: suite.build_sets}
    for build, sets in listed.items():
        _check_sets(file, f"suites.{suite.name}.{KEYS[build]}", sets, rules, build=build)
    return tuple(
        replace(rule, packages=listed[rule.build][name])
        for name, rule in rules.items()
        if name in listed[rule.build]
    )


def _check_sets(
    file: Path,
    key: str,
    sets: Mapping[str, tuple[str, ...]],
    rules: Mapping[str, PackageSet],
    *,
    build: bool,
) -> None:
    known = [name for name, rule in rules.items() if rule.build == build]
    for name, packages in sets.items():
        if name not in known:
            remedy = f"add it to {FILE}, or {yamlfile.near(name, known)}"
            if name in rules:
                remedy = f"move it to {KEYS[not build]}, as in {FILE}"
            raise CatalogError(file, None, key, f"unknown package set {name!r}", remedy)
        if not packages and not rules[name].minbase:
            raise CatalogError(
                file, None, f"{key}.{name}", "names no package", "name one or remove the set"
            )
        for package in packages:
            if not _PACKAGE_NAME.fullmatch(package):
                problem = f"{package!r} is no Debian package name"
                raise CatalogError(file, None, f"{key}.{name}", problem, "write the binary package")
        below = rules[name].above
        if below is not None and below not in sets:
            raise CatalogError(
                file, None, f"{key}.{name}", f"is above {below!r}, which is missing", "add that set"
            )


def load(directory: Path, shown: Path | None = None) -> Plan:
    """Read and check the catalog in `directory`, which errors call `shown`. Raises CatalogError."""
    label = shown or directory
    whole = catalog.load(directory, label)
    archs = {
        suite.name: tuple(whole.platforms[platform].debian for platform in suite.platforms)
        for suite in whole.suites.values()
    }
    secured = frozenset(
        (suite.name, whole.platforms[platform].debian)
        for suite in whole.suites.values()
        for platform in suite.security
    )
    debian = {platform.debian for platform in whole.platforms.values()}
    rules = read_rules(directory / FILE, label / FILE, debian)
    sets = {s.name: sets_of(label / "suites.yaml", s, rules) for s in whole.suites.values()}
    return Plan(archs, secured, sets)
