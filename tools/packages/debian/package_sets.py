"""The package sets of the catalog: what is to be locked for which suite and architecture."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tools.catalog import load as catalog
from tools.catalog import yamlfile
from tools.catalog.catalog_error import CatalogError
from tools.catalog.model import Suite
from tools.catalog.package_sets import FILE, KEYS, PackageSet, read_rules

_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


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
