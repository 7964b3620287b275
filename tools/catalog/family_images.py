"""The images of a family that this repository builds, as //images/<family>:TAG_PLATFORM.

Their layers are those of a variant in //images, so they cost no compilation of their own; tags,
environment and command are the family's. Targets whose suite the catalog has not, or not yet, are
declared all the same and say what is missing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tools.catalog import tags, target_names, yamlfile
from tools.catalog.family import Build, Entry, Family, base_of
from tools.catalog.model import PATH, Catalog, Image, Variant, Version
from tools.catalog.yamlfile import Value


@dataclass(frozen=True)
class Missing:
    """An image on a suite that isn't Debian's; it is built once its packages are locked.

    ``variant`` is one of variants.yaml.
    """

    name: str
    release: str
    suite: str
    variant: str
    tags: tuple[str, ...]
    platforms: tuple[str, ...]


def _made_of(entry: Entry, family: Family, build: Build, catalog: Catalog) -> tuple[str, str]:
    """The suite an entry is on, and the variant of variants.yaml whose layers it has.

    By the scheme of targets, entries are called by the suite. The official one's names tell both.
    """
    if family.scheme == "official":
        for suite in catalog.suites:
            for variant in catalog.variants.values():
                if variant.on(suite) == entry.variant:
                    return suite, variant.name
    return base_of(entry.variant, family.architectures), build.variant


def _same_variant(family: Family, value: Value, catalog: Catalog) -> None:
    """Raise unless the layers are those that the names of the official scheme tell."""
    build = family.build
    assert build is not None
    named = [one.on(suite) for suite in catalog.suites for one in catalog.variants.values()]
    for entry in family.entries():
        suite, variant = _made_of(entry, family, build, catalog)
        if family.scheme == "official" and suite in catalog.suites and entry.variant not in named:
            raise value.error(
                f"{entry.variant!r} of the releases is no variant of variants.yaml on {suite}",
                yamlfile.near(entry.variant, named),
            )
        if variant != build.variant:
            raise value.error(
                f"variant {build.variant!r} is not what {entry.variant!r} has by its name, which "
                f"is {variant!r}",
                f"write variant: {variant}, or choose other variants for the releases",
            )


def with_build(family: Family, value: Value, catalog: Catalog | None) -> Family:
    """``family`` with what its key ``images`` says.

    Raises:
        CatalogError: a key is missing, malformed or unknown, or the releases aren't the catalog's.
    """
    if catalog is None:
        raise value.error(
            "only releases of versions.yaml can be built",
            "write `releases: {catalog: newest, variants: LIST}`, where LIST is one of the "
            "family's variants",
        )
    row = value.mapping()
    env, sample = row.get("env"), row.get("sample")
    build = Build(
        variant=row["variant"].one_of(catalog.variants, "variant"),
        env={} if env is None else {name: text.text() for name, text in env.mapping().items()},
        cmd=row["cmd"].names(),
        sample=() if sample is None or sample.is_scalar() else sample.names(),
    )
    platforms = {name for one in catalog.platforms.values() for name in (one.name, one.docker)}
    for name in sorted({name for names in family.architectures.values() for name in names}):
        if name not in platforms:
            raise value.error(
                f"architecture {name!r} is no platform of platforms.yaml",
                yamlfile.near(name, sorted(platforms)),
            )
    made = dataclasses.replace(family, build=build)
    _same_variant(made, value, catalog)
    known = [
        target_names.image(entry.name, architecture)
        for entry in family.entries()
        if _made_of(entry, family, build, catalog)[0] in catalog.suites
        for architecture in entry.architectures
    ]
    if sample is not None and sample.is_scalar():
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
        (not _is_default(entry, family), target_names.image(entry.name, platform))
        for entry in family.entries()
        if _all_locked(entry, family, catalog) and catalog.versions[entry.release.name].sample
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


def _is_default(entry: Entry, family: Family) -> bool:
    """Whether an image is on the target, or the suite, that tags without one mean."""
    if family.scheme == "official":
        suite = tags.default_suite(entry.release.variants)
        return suite is not None and base_of(entry.variant, [suite]) == suite
    return entry.variant == family.default


def _all_locked(entry: Entry, family: Family, catalog: Catalog) -> bool:
    assert family.build is not None
    suite = catalog.suites.get(_made_of(entry, family, family.build, catalog)[0])
    return suite is not None and set(_platforms(entry, catalog)) <= set(suite.platforms)


def _sample(entry: Entry, build: Build, catalog: Catalog) -> tuple[str, ...]:
    """The platforms for which `bazel test //...` tests an image."""
    return tuple(
        platform
        for platform in _platforms(entry, catalog)
        for name in {platform, catalog.platforms[platform].docker}
        if target_names.image(entry.name, name) in build.sample
    )


def images(family: Family, catalog: Catalog) -> list[Image]:
    """What of ``family`` can be built, in its page's order; nothing where it isn't built at all."""
    if family.build is None:
        return []
    return [
        Image(
            name=_name(entry),
            version=catalog.versions[entry.release.name],
            suite=catalog.suites[suite],
            variant=catalog.variants[variant],
            platforms=_platforms(entry, catalog),
            tags=_tags(entry),
            is_default=_is_default(entry, family),
            sample=_sample(entry, family.build, catalog),
        )
        for entry in family.entries()
        if _all_locked(entry, family, catalog)
        for suite, variant in [_made_of(entry, family, family.build, catalog)]
    ]


def missing(family: Family, catalog: Catalog) -> list[Missing]:
    """What of ``family`` is on a suite that suites.yaml lacks, or lacks a platform of."""
    if family.build is None:
        return []
    return [
        Missing(
            _name(entry),
            entry.release.name,
            suite,
            variant,
            _tags(entry),
            _platforms(entry, catalog),
        )
        for entry in family.entries()
        if not _all_locked(entry, family, catalog)
        for suite, variant in [_made_of(entry, family, family.build, catalog)]
    ]


def _export(
    family: Family, one: Image | Missing, version: Version, suite: str, variant: Variant
) -> dict[str, object]:
    target = family.targets.get(suite)
    official = family.scheme == "official"
    default = isinstance(one, Image) and one.is_default
    return {
        "name": one.name,
        "version": version.name,
        "minor": version.release.minor,
        "suite": suite,
        "variant": variant.name,
        "variant_tag": variant.on(suite) if official else suite,
        "base": (target.base if target else None) or variant.base.format(suite=suite),
        "platforms": list(one.platforms),
        "apart": [],
        "archived": False,
        "tags": list(one.tags),
        "is_default": default if official else suite == family.default,
        "sample": list(one.sample) if isinstance(one, Image) else [],
    }


def export(family: Family, catalog: Catalog) -> dict[str, object]:
    """A family that is built, in the shape tools/catalog/export.py shows."""
    assert family.build is not None
    named = {name for names in family.architectures.values() for name in names}
    aliases: dict[str, list[str]] = {}
    for platform in catalog.platforms.values():
        for name in sorted({platform.name, platform.docker} & named):
            # Those of the catalog, and those that the family's page names.
            others = [*platform.aliases, *family.pages[name].others]
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
            _export(
                family,
                one,
                catalog.versions[one.release],
                one.suite,
                catalog.variants[one.variant],
            )
            for one in missing(family, catalog)
        ],
    }
