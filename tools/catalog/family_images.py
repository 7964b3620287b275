"""The images of a family that this repository builds, as //images/<family>:TAG_PLATFORM.

Their layers are those of a variant in //images, so they cost no compilation of their own; tags,
environment and command are the family's. Targets whose suite the catalog has not, or not yet, are
declared all the same and say what is missing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tools.catalog import grammar, yamlfile
from tools.catalog.architectures import KNOWN
from tools.catalog.family import Build, Entry, Family
from tools.catalog.model import PATH, Catalog, Image, Variant, Version
from tools.catalog.yamlfile import Value


@dataclass(frozen=True)
class Missing:
    """An image on a suite that isn't Debian's; it is built once its packages are locked."""

    name: str
    release: str
    suite: str
    tags: tuple[str, ...]
    platforms: tuple[str, ...]


def with_build(family: Family, value: Value, catalog: Catalog | None) -> Family:
    """``family`` with what its key ``images`` says.

    Raises:
        CatalogError: a key is missing, malformed or unknown, or the releases aren't the catalog's.
    """
    if catalog is None:
        raise value.error(
            "only releases of versions.yaml can be built", "write `releases: {catalog: newest, …}`"
        )
    row = value.mapping()
    env, sample = row.get("env"), row.get("sample")
    build = Build(
        variant=row.need("variant", "name a variant").one_of(catalog.variants, "variant"),
        env={} if env is None else env.mapping().texts(*grammar.VARIABLE),
        cmd=row.need("cmd", "list the default command's words").names(),
        sample=() if sample is None or sample.is_scalar() else sample.names(),
    )
    row.done()
    platforms = {name for one in catalog.platforms.values() for name in (one.name, one.docker)}
    for name in sorted({name for names in family.architectures.values() for name in names}):
        if name not in platforms:
            raise value.error(
                f"architecture {name!r} is no platform of platforms.yaml",
                yamlfile.near(name, sorted(platforms)),
            )
    made = dataclasses.replace(family, build=build)
    known = [
        f"{entry.name}_{architecture}"
        for entry in family.entries()
        if entry.variant in catalog.suites
        for architecture in entry.architectures
    ]
    if sample is not None and sample.is_scalar():
        sample.one_of(("one",), "sample")
        return dataclasses.replace(
            made, build=dataclasses.replace(build, sample=_first(made, catalog))
        )
    for item in () if sample is None else sample.sequence():
        item.one_of(known, "image")
    return made


def _first(family: Family, catalog: Catalog) -> tuple[str, ...]:
    """The one image that is tested: of the newest release in the sample, on its first platform.

    It is the one on the default target, where that is built.
    """
    found = [
        (entry.variant != family.default, f"{entry.name}_{platform}")
        for entry in family.entries()
        if _all_locked(entry, catalog) and catalog.versions[entry.release.name].sample
        for platform in _platforms(entry, catalog)
        if catalog.platforms[platform].sample
    ]
    return tuple(name for _, name in sorted(found, key=lambda one: one[0])[:1])


def _platforms(entry: Entry, catalog: Catalog) -> tuple[str, ...]:
    """The catalog's names of an entry's architectures, in the catalog's order."""
    return tuple(
        platform.name
        for platform in catalog.platforms.values()
        if {platform.name, platform.docker} & set(entry.architectures)
    )


def _name(entry: Entry) -> str:
    """The tag with the whole release, which no later release takes over."""
    return next(tag for tag in entry.tags if tag.startswith(f"{entry.release.name}-"))


def _tags(entry: Entry) -> tuple[str, ...]:
    name = _name(entry)
    return (name, *(tag for tag in (*entry.tags, *entry.shared_tags) if tag != name))


def _all_locked(entry: Entry, catalog: Catalog) -> bool:
    suite = catalog.suites.get(entry.variant)
    return suite is not None and set(_platforms(entry, catalog)) <= set(suite.platforms)


def _sample(entry: Entry, build: Build, catalog: Catalog) -> tuple[str, ...]:
    """The platforms for which `bazel test //...` tests an image."""
    return tuple(
        platform
        for platform in _platforms(entry, catalog)
        for name in {platform, catalog.platforms[platform].docker}
        if f"{entry.name}_{name}" in build.sample
    )


def images(family: Family, catalog: Catalog) -> list[Image]:
    """What of ``family`` can be built, in its page's order; nothing where it isn't built at all."""
    if family.build is None:
        return []
    return [
        Image(
            name=_name(entry),
            version=catalog.versions[entry.release.name],
            suite=catalog.suites[entry.variant],
            variant=catalog.variants[family.build.variant],
            platforms=_platforms(entry, catalog),
            tags=_tags(entry),
            is_default=entry.variant == family.default,
            sample=_sample(entry, family.build, catalog),
        )
        for entry in family.entries()
        if _all_locked(entry, catalog)
    ]


def missing(family: Family, catalog: Catalog) -> list[Missing]:
    """What of ``family`` is on a suite that suites.yaml lacks, or lacks a platform of."""
    if family.build is None:
        return []
    return [
        Missing(
            _name(entry),
            entry.release.name,
            entry.variant,
            _tags(entry),
            _platforms(entry, catalog),
        )
        for entry in family.entries()
        if not _all_locked(entry, catalog)
    ]


def _export(
    family: Family, one: Image | Missing, version: Version, suite: str, variant: Variant
) -> dict[str, object]:
    base = family.targets[suite].base or variant.base.format(suite=suite)
    return {
        "name": one.name,
        "version": version.name,
        "minor": version.release.minor,
        "suite": suite,
        "variant": variant.name,
        "variant_tag": suite,
        "base": base,
        "platforms": list(one.platforms),
        "apart": [],
        "archived": False,
        "tags": list(one.tags),
        "is_default": suite == family.default,
        "sample": list(one.sample) if isinstance(one, Image) else [],
    }


def export(family: Family, catalog: Catalog) -> dict[str, object]:
    """A family that is built, in the shape tools/catalog/export.py shows."""
    assert family.build is not None
    variant = catalog.variants[family.build.variant]
    named = {name for names in family.architectures.values() for name in names}
    aliases: dict[str, list[str]] = {}
    for platform in catalog.platforms.values():
        for name in sorted({platform.name, platform.docker} & named):
            # Those of the catalog, and those that the family's page names.
            others = [*platform.aliases, *KNOWN[name].others]
            aliases[platform.name] = [
                other for other in dict.fromkeys(others) if other != platform.name
            ]
    return {
        "repository": family.image,
        "env": {"PATH": PATH, **family.build.env},
        "cmd": list(family.build.cmd),
        "aliases": aliases,
        "images": [
            _export(family, one, one.version, one.suite.name, one.variant)
            for one in images(family, catalog)
        ],
        "missing": [
            _export(family, one, catalog.versions[one.release], one.suite, variant)
            for one in missing(family, catalog)
        ],
    }
