"""Loading and checking families: catalog/families/<name>.yaml, or a file of a user's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from pathlib import Path

from tools.catalog import family_images, load, platforms, shape, tags, yamlfile
from tools.catalog.added import Added
from tools.catalog.alpine import Alpine
from tools.catalog.alpine import read as read_alpine
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Family, FamilyRelease, Target, base_of
from tools.catalog.model import Catalog, Version
from tools.catalog.windows import Windows
from tools.catalog.windows import read as read_windows
from tools.catalog.yamlfile import Mapping, Value

# `releases: archive`: what of the catalog can be built and isn't published any more.
_ARCHIVE = "archive"


def name_of(file: Path) -> str:
    """The name of the family in ``file``. Raises CatalogError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.stem):
        raise CatalogError(
            repr(str(file)), None, "", "a family can't be called that", "rename the file"
        )
    return file.stem


def names(directory: Path) -> list[str]:
    """The names of all families below a catalog directory, sorted."""
    return sorted(file.stem for file in (directory / "families").glob("*.yaml"))


def _lists(value: Value) -> dict[str, tuple[str, ...]]:
    return {key: item.names() for key, item in value.mapping().items()}


def architectures_of(value: Value | None, known: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The architectures of each base image, all of them ``known``."""
    found: dict[str, tuple[str, ...]] = {}
    if value is None:
        return found
    for base, item in value.mapping().items():
        for name in item.sequence():
            name.one_of(known, "architecture")
        found[base] = item.names()
    return found


def _targets(value: Value | None) -> dict[str, Target]:
    found: dict[str, Target] = {}
    if value is None:
        return found
    mapping = value.mapping()
    for name, item in mapping.items():
        row = item.mapping()
        built, unstable = row.get("built"), row.get("unstable")
        found[name] = Target(
            distribution=row["distribution"].text(),
            built=True if built is None else built.boolean(),
            unstable=False if unstable is None else unstable.boolean(),
            base=_optional(row, "base"),
        )
    return found


def _commits(row: Mapping, variants: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    commit, others = row.get("commit"), row.get("commits")
    if commit is not None:
        found[""] = commit.name()
    if others is not None:
        mapping = others.mapping()
        for variant, item in mapping.items():
            if variant not in variants:
                raise mapping.key(variant).error(
                    f"{variant!r} is no variant of the release", yamlfile.near(variant, variants)
                )
            found[variant] = item.name()
    return found


def _release(
    value: Value, lists: Dict[str, tuple[str, ...]], known: Iterable[str]
) -> FamilyRelease:
    row = value.mapping()
    release = load.release(row["version"])
    variants = lists[row["variants"].one_of(lists, "list of variants")]
    aliases, without = row.get("aliases"), row.get("without")
    if without is not None:
        for name in without.sequence():
            name.one_of(known, "architecture")
    sha256, windows, setuptools = (
        row.get("sha256"),
        row.get("windows_sha256"),
        row.get("setuptools"),
    )
    return FamilyRelease(
        release=release,
        aliases=() if aliases is None else aliases.names(),
        variants=variants,
        without=() if without is None else without.names(),
        commits=_commits(row, variants),
        sha256=None if sha256 is None else sha256.name(),
        windows_sha256=None if windows is None else windows.name(),
        setuptools=None if setuptools is None else setuptools.name(),
    )


def _pinned(wheels: tuple[str, ...], name: str) -> str | None:
    """The version of the wheel called ``name``."""
    pins = dict(wheel.split("==") for wheel in wheels)
    return pins.get(name)


def _from_catalog(
    catalog: Catalog, on_alpine: Alpine | None, on_windows: Windows | None, *, archived: bool
) -> tuple[FamilyRelease, ...]:
    """The releases of //images: what is published, or what is archived."""
    made: list[FamilyRelease] = []
    for version in catalog.versions.values():
        debian = [
            variant.on(suite.name)
            for suite, variant in catalog.combinations(version)
            if (version.archived or suite.ended) == archived and not variant.hardened
        ]
        others = version.archived == archived
        variants = (
            *debian,
            *(on_alpine.variants(version) if on_alpine and others else ()),
            *(on_windows.variants(version) if on_windows and others else ()),
        )
        if not variants:
            continue
        made.append(
            FamilyRelease(
                release=version.release,
                aliases=() if archived else version.aliases,
                variants=variants,
                without=(),
                commits={},
                sha256=version.sha256,
                windows_sha256=on_windows.sums(version).installer
                if on_windows and on_windows.variants(version)
                else None,
                setuptools=_pinned(version.minor.wheels, "setuptools"),
                revision=version.serial,
                patches=version.revision.patches if version.revision else (),
            )
        )
    return tuple(made)


def _holder(alias: str, found: list[Version]) -> Version:
    """The release that has an alias: the one that has it, or ``latest``, in the catalog."""
    for wanted in (alias, "latest"):
        for version in found:
            if wanted in version.aliases:
                return version
    return found[0]


def _newest(
    row: Mapping, lists: Dict[str, tuple[str, ...]], catalog: Catalog
) -> tuple[FamilyRelease, ...]:
    """The newest final release of each minor version that hasn't ended.

    Aliases are those of the catalog's: `latest` is the release that has it in //images.
    """
    variants = lists[row["variants"].one_of(lists, "list of variants")]
    aliases = row.get("aliases")
    found = [
        version
        for version in catalog.newest().values()
        if not version.release.prerelease
        and not version.release.free_threaded
        and not version.archived
    ]
    named = () if aliases is None else aliases.names()
    return tuple(
        FamilyRelease(
            release=version.release,
            aliases=tuple(alias for alias in named if _holder(alias, found) is version),
            variants=variants,
            without=(),
            commits={},
            sha256=version.sha256,
            windows_sha256=None,
            setuptools=_pinned(version.minor.wheels, "setuptools"),
            revision=version.serial,
            patches=version.revision.patches if version.revision else (),
        )
        for version in found
    )


def _releases(
    value: Value,
    lists: dict[str, tuple[str, ...]],
    catalog: Catalog | None,
    on_alpine: Alpine | None,
    on_windows: Windows | None,
    known: Iterable[str],
) -> tuple[FamilyRelease, ...]:
    if catalog is not None and value.is_mapping():
        return _newest(value.mapping(), lists, catalog)
    if catalog is not None:
        return _from_catalog(catalog, on_alpine, on_windows, archived=value.name() == _ARCHIVE)
    made: list[FamilyRelease] = []
    for item in value.sequence():
        release = _release(item, lists, known)
        if made and made[-1].release.order <= release.release.order:
            raise item.error(
                f"{release.name} stands below {made[-1].name}", "list the newest release first"
            )
        made.append(release)
    return tuple(made)


def _optional(row: Mapping, key: str) -> str | None:
    value = row.get(key)
    return None if value is None else value.name()


def known_bases(family: Family, releases: Value) -> None:
    """Raise unless every variant's architectures can be told."""
    for release in family.releases:
        for variant in release.variants:
            known = base_of(variant, family.architectures) in family.architectures
            if variant.startswith(tags.WINDOWS) or known:
                continue
            raise releases.error(
                f"variant {variant!r} of {release.name} has no architectures",
                f"add its suite, the end of its name, to architectures; "
                f"{yamlfile.near(variant, family.architectures)}",
            )
    if family.scheme == "targets" and family.default not in family.targets:
        raise releases.error(
            f"default {family.default!r} is no target",
            yamlfile.near(str(family.default), family.targets),
        )


def check_tags(family: Family) -> tuple[str, str] | None:
    """What is wrong with the family's tags, as (problem, remedy); None when nothing is."""
    entries = family.entries()
    for entry in entries:
        for tag in (*entry.tags, *entry.shared_tags):
            if not tags.valid(tag):
                return f"{tag!r} of {entry.name} is no tag", "shorten or respell the variant"
    clash = tags.repeated((entry.name, entry.tags) for entry in entries)
    if clash is not None:
        tag, first, second = clash
        return f"tag {tag!r} belongs to both {first} and {second}", "remove an alias or a variant"
    simple = {tag: entry.name for entry in entries for tag in entry.tags}
    for entry in entries:
        for tag in entry.shared_tags:
            if tag in simple:
                return (
                    f"shared tag {tag!r} of {entry.name} is also a simple tag of {simple[tag]}",
                    "remove an alias or a variant",
                )
    owners: dict[str, str] = {}
    for entry in entries:
        for tag in entry.shared_tags:
            owner = owners.setdefault(tag, entry.release.name)
            if owner != entry.release.name:
                return (
                    f"shared tag {tag!r} belongs to both {owner} and {entry.release.name}",
                    "give an alias to one release only",
                )
    return None


def _of_variants(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """The architectures of variants that aren't for all platforms of their suites."""
    return {
        variant.on(suite.name): tuple(
            catalog.platforms[name].docker for name in variant.among(suite.published)
        )
        for suite in catalog.suites.values()
        for variant in catalog.variants.values()
        if variant.platforms is not None
        and (variant.suites is None or suite.name in variant.suites)
    }


def load_file(
    file: Path,
    directory: Path,
    shown: Path | None = None,
    sources: str = load.ALL,
    more: Added | None = None,
) -> Family:
    """The checked family in ``file``; ``directory`` holds the catalog a family may refer to.

    ``sources`` and ``more`` as for `load.load`.

    Raises:
        CatalogError: anything is missing, malformed, unknown or contradictory.
    """
    row = shape.read("family", file, shown)
    releases = row["releases"]
    catalog, on_alpine, on_windows = None, None, None
    label = None if shown is None else shown.parent.parent
    word = releases.name() if releases.is_scalar() else ""
    whole = word in ("catalog", _ARCHIVE)
    if whole or releases.is_mapping():
        catalog = load.load(directory, label, sources=sources, more=more)
    if whole:
        on_alpine, on_windows = read_alpine(directory, label), read_windows(directory, label)
    pages = platforms.read(directory, label).pages
    architectures = architectures_of(row.get("architectures"), pages)
    if catalog is not None and whole:
        architectures = (
            {
                suite.name: tuple(
                    catalog.platforms[name].docker
                    for name in (suite.platforms if word == _ARCHIVE else suite.published)
                )
                for suite in catalog.suites.values()
            }
            | {
                release.name: tuple(
                    catalog.platforms[name].docker for name in release.architectures
                )
                for release in (on_alpine.releases.values() if on_alpine else ())
            }
            | _of_variants(catalog)
        )
    lists = row.get("variants")
    maintainers = row.get("maintainers")
    family = Family(
        name=name_of(file),
        title=row["title"].text(),
        image=row["image"].name(),
        scheme=row["scheme"].name(),
        page=row["page"].name(),
        maintainers=() if maintainers is None else maintainers.names(),
        git_repo=_optional(row, "git_repo"),
        dockerfile_url=_url(row),
        slim_directory=_slim(row),
        builder=_optional(row, "builder"),
        windows_builder=_optional(row, "windows_builder"),
        default=_optional(row, "default"),
        architectures=architectures,
        pages=pages,
        targets=_targets(row.get("targets")),
        releases=_releases(
            releases, {} if lists is None else _lists(lists), catalog, on_alpine, on_windows, pages
        ),
    )
    images = row.get("images")
    known_bases(family, releases)
    fault = check_tags(family)
    if fault is not None:
        raise releases.error(*fault)
    return family if images is None else family_images.with_build(family, images, catalog)


def _url(row: Mapping) -> str | None:
    value = row.get("dockerfile_url")
    return None if value is None else load.template(value, {"commit", "directory"})


def _slim(row: Mapping) -> str | None:
    value = row.get("slim_directory")
    return None if value is None else load.template(value, {"suite"})


def load_family(
    name: str,
    directory: Path,
    shown: Path | None = None,
    sources: str = load.ALL,
    more: Added | None = None,
) -> Family:
    """The family called ``name`` in the catalog ``directory``; the rest as for `load_file`."""
    known = names(directory)
    if name not in known:
        raise CatalogError(
            (shown or directory) / "families",
            None,
            "",
            f"unknown family {name!r}",
            yamlfile.near(name, known),
        )
    file = Path("families") / f"{name}.yaml"
    label = None if shown is None else shown / file
    return load_file(directory / file, directory, label, sources, more)


def built(
    directory: Path,
    shown: Path | None = None,
    sources: str = load.ALL,
    more: Added | None = None,
) -> list[Family]:
    """The families that this repository builds as //images/<name>."""
    found = [load_family(name, directory, shown, sources, more) for name in names(directory)]
    return [family for family in found if family.build is not None]
