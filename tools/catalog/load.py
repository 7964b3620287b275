"""Loading and checking the catalog: versions, suites, platforms and variants.

The files have the shape of their schemas: shape.py. Every fault is a CatalogError that names the
file, the line, the key, the value and what to do.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from pathlib import Path
from string import Formatter
from typing import Any

from tools.catalog import (
    added,
    grammar,
    lifecycle,
    package_sets,
    revisions,
    shape,
    tags,
    yamlfile,
)
from tools.catalog import platforms as platforms_file
from tools.catalog.added import Added
from tools.catalog.catalog_error import CatalogError
from tools.catalog.model import (
    CATALOG,
    VERSIONS,
    BuildFlags,
    Catalog,
    Lts,
    Minor,
    Source,
    Suite,
    User,
    Variant,
    Version,
)
from tools.catalog.package_sets import PackageSet
from tools.catalog.platforms import Platform
from tools.catalog.yamlfile import Mapping, Value

# Whose source archives are wanted: everybody's, or those that mirrors of a closed network have.
ALL = "all"
MIRRORED = "mirrored"
SOURCES = (ALL, MIRRORED)

VARIANTS = "variants.yaml"
FILES = ("versions.yaml", "suites.yaml", "platforms.yaml", VARIANTS)


def release(value: Value) -> tags.Release:
    """A CPython release number."""
    try:
        return tags.release(value.name())
    except ValueError as error:
        raise value.error(str(error), "write the release as python.org does") from None


def template(value: Value, fields: set[str]) -> str:
    """A string with placeholders out of ``fields``, such as ``slim-{suite}``."""
    text = value.text()
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise value.error(f"{text!r} is no template: {error}", "balance its braces") from None
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise value.error(f"{text!r} formats a placeholder", "write {name} alone")
    for field in sorted({str(field) for _, field, _, _ in parts} - fields):
        raise value.error(
            f"unknown placeholder {{{field}}} in {text!r}", yamlfile.near(field, sorted(fields))
        )
    return text


def _named_rows(value: Value) -> list[tuple[str, Mapping]]:
    return [(name, row.mapping()) for name, row in value.mapping().items()]


def _some_of(value: Value | None, known: set[str] | None, what: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    for item in value.sequence() if known is not None else []:
        item.one_of(sorted(known or ()), what)
    return value.names()


def _sets(value: Value | None) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    return {name: item.names() for name, item in value.mapping().items()}


def build_flags(value: Value, platforms: Iterable[str]) -> BuildFlags:
    """What a suite's dpkg-buildflags says; ``platforms`` are those it may say more of.

    Raises:
        CatalogError: a key is missing, malformed or unknown.
    """
    row = value.mapping()
    more = row.get("platforms")
    by_platform = {} if more is None else dict(more.mapping().items())
    known = list(platforms)
    for name in by_platform:
        if name not in known:
            raise by_platform[name].error(
                f"{name!r} is no platform of the suite", yamlfile.near(name, known)
            )
    return BuildFlags(
        cflags=row["cflags"].text(),
        ldflags=row["ldflags"].text(),
        more={name: item.text() for name, item in by_platform.items()},
    )


def _lts(value: Value | None, built: tuple[str, ...], eol: datetime.date) -> Lts | None:
    if value is None:
        return None
    row = value.mapping()
    until = row["until"]
    listed = row["platforms"]
    made = Lts(
        until=until.date(),
        platforms=_some_of(listed, set(built), "platform of the suite") or (),
    )
    if made.until <= eol:
        raise until.error(f"{made.until} is not after eol, {eol}", "lts begins when eol is over")
    return made


def _suites(top: Mapping, platforms: set[str], as_of: datetime.date | None) -> dict[str, Suite]:
    found: dict[str, Suite] = {}
    for name, row in _named_rows(top["suites"]):
        listed = row["platforms"]
        point = row.get("point_release")
        built = _some_of(listed, platforms, "platform") or ()
        security = _some_of(row.get("security"), set(built), f"platform of {name}")
        eol = row["eol"].date()
        lts = _lts(row.get("lts"), built, eol)
        published, ended = lifecycle.suite_state(built, eol, lts, as_of)
        suite = Suite(
            name=name,
            release=row["release"].name(),
            point_release=None if point is None else point.name(),
            platforms=built,
            security=built if security is None else security,
            eol=eol,
            package_sets=_sets(row.get("package_sets")),
            build_sets=_sets(row.get("build_sets")),
            build_flags=build_flags(row["build_flags"], built),
            lts=lts,
            published=published,
            ended=ended,
        )
        if "-" in name:
            raise row.value.error(
                f"{name!r} reads as a variant of {name.rpartition('-')[2]} in tags",
                "rename it: suites have no dash",
            )
        found[name] = suite
    if all(suite.ended for suite in found.values()):
        raise top.value.error("every suite has ended", "add one that is supported")
    return found


# Folders that container engines mount over: a home in one would be hidden.
_MOUNTED = ("dev", "proc", "run", "sys", "tmp")


def _home(value: Value) -> str:
    """A user's home."""
    home = value.name()
    top = home.split("/")[1]
    if top in _MOUNTED:
        raise value.error(
            f"{home!r} is in /{top}, which container engines mount over",
            "write it like /home/nonroot",
        )
    return home


# Debian's nobody, and what means "no user" to programs with numbers of 16 bits.
_RESERVED = (65534, 65535)


def _number(value: Value) -> int:
    """A user's number."""
    number = value.integer()
    if number in _RESERVED:
        raise value.error(f"{number} is reserved on every Debian system", "choose another one")
    return number


def _users(value: Value | None, shown: str, known: Dict[str, User]) -> dict[str, User]:
    """The users of a file, ``shown`` in errors about them; ``known`` are those of the one before.

    A user's layer has the user's name, so no name can be two users.
    """
    found: dict[str, User] = {}
    if value is None:
        return found
    rows = value.mapping()
    for name, item in rows.items():
        row = item.mapping()
        number, home = row["id"], _home(row["home"])
        user = User(name, _number(number), home, f"{shown}:{rows.key(name).line}")
        for other in found.values():
            if other.id == user.id:
                raise number.error(f"{user.id} is {other.name}'s number", "choose another one")
        other = known.get(name, user)
        if (user.id, user.home) != (other.id, other.home):
            raise rows.key(name).error(
                f"{name!r} is another user in {other.place}", "choose another name"
            )
        found[name] = user
    return found


def _features(row: Mapping, tag: Value, users: dict[str, User]) -> dict[str, Any]:
    """What only a hardened variant may have, as arguments of Variant.

    Raises:
        CatalogError: something is unknown, or the variant is docker-library's.
    """
    features, above, path = row.get("features"), row.get("above"), row.get("path")
    hardened, user = row.get("hardened"), row.get("user")
    given = [value for value in (hardened, features, above, path, user) if value is not None]
    if given and not tags.additional(tag.text()):
        raise given[0].error(
            f"docker-library's image with the tag {tag.text()!r} has no such thing",
            "tag the variant KIND-{suite}, with a kind that docker-library hasn't",
        )
    return {
        "features": () if features is None else features.names(),
        "hardened": hardened is not None and hardened.boolean(),
        "above": () if above is None else above.names(),
        "path": () if path is None else path.names(),
        "user": None if user is None else users[user.one_of(users, "user")],
    }


def _package_sets(directory: Path, label: Path, archs: set[str]) -> dict[str, PackageSet]:
    """The sets for images, still without packages; none without their file."""
    if not (directory / package_sets.FILE).is_file():
        return {}
    rules = package_sets.read_rules(directory / package_sets.FILE, label / package_sets.FILE, archs)
    return {name: rule for name, rule in rules.items() if not rule.build}


def _check_layers(layers: Value, variant: Variant, sets: dict[str, PackageSet]) -> None:
    """Raise unless each set lies on the one that it was resolved above."""
    top = variant.layers[-1]
    if not sets:
        return
    chain: list[str] = []
    name: str | None = top
    while name is not None and name not in chain:
        chain.insert(0, name)
        name = sets[name].above if name in sets else None
    if chain != list(variant.layers):
        raise layers.error(
            f"{top!r} is locked for images with {', '.join(chain[:-1]) or 'nothing'} below",
            f"write [{', '.join(chain)}]",
        )
    if top not in sets or (variant.root == "distroless") != sets[top].bare:
        roots = "debian or debian-slim" if variant.root == "distroless" else "distroless"
        raise layers.error(
            f"{top!r} isn't for root {variant.root}", f"write root: {roots}, or other layers"
        )


def _check_above(above: Value, variant: Variant, sets: dict[str, PackageSet]) -> None:
    """Raise unless each set above CPython was resolved on the one before, as a bare set."""
    if variant.root != "distroless":
        raise above.error(f"root {variant.root} has no sets above CPython", "list them in layers")
    below = variant.layers[-1]
    for item in above.sequence() if sets else []:
        name = item.name()
        if sets[name].above != below or not sets[name].bare:
            fitting = [one.name for one in sets.values() if one.above == below and one.bare]
            raise item.error(
                f"{name!r} isn't locked for distroless images with {below} below",
                f"write {' or '.join(fitting)}" if fitting else "remove it",
            )
        below = name


def _check_base(base: Value, variant: Variant, suites: Iterable[str]) -> None:
    """Raise unless it's the name of an image on each suite."""
    for suite in suites:
        name = variant.base.format(suite=suite)
        if re.fullmatch(grammar.IMAGE[0], name) is None:
            raise base.error(f"{name!r} is not {grammar.IMAGE[1]}", grammar.IMAGE[2])


def _check_tag(tag: Value, variant: Variant, suites: Iterable[str]) -> None:
    """Raise unless tags can be made of the variant's."""
    if variant.tag.count("{suite}") != 1:
        raise tag.error(f"{variant.tag!r} repeats it", "write {suite} once, at the end")
    for suite in suites:
        if not tags.valid(variant.on(suite)):
            raise tag.error(f"{variant.on(suite)!r} is no tag", "use letters, digits, -._")
    if variant.tag != "{suite}" and not variant.tag.endswith("-{suite}"):
        raise tag.error(f"{variant.tag!r} doesn't end in the suite", "write KIND-{suite}")
    if variant.tag.startswith(("alpine", "windows", "nanoserver")):
        raise tag.error(f"{variant.tag!r} is a name of Alpine's or Windows' images", "rename it")


def _own_packages(
    value: Value | None, suites: set[str], packages: Dict[str, str] | None
) -> dict[str, str]:
    """The repository of Debian packages of a variant on each suite it is for; labels if known."""
    if value is None:
        return {}
    rows = value.mapping()
    found: dict[str, str] = {}
    for suite, item in rows.items():
        rows.key(suite).one_of(sorted(suites), "suite of the variant")
        name = item.name()
        if packages is not None:
            name = packages[item.one_of(packages, "repository of packages")]
        found[suite] = name
    for suite in sorted(suites - found.keys()):
        raise value.error(
            f"has nothing for {suite}",
            f"add its repository, or write suites: [{', '.join(found)}]",
        )
    return found


def _variants(
    top: Mapping,
    suites: dict[str, Suite],
    sets: dict[str, PackageSet],
    platforms: dict[str, Platform],
    more: Added,
) -> dict[str, Variant]:
    """The variants of ``top``, and those of another workspace's file over them."""
    found: dict[str, Variant] = {}
    users = _users(top.get("users"), f"{CATALOG}/{VARIANTS}", {})
    _read_variants(found, top, suites, sets, users, platforms, None)
    if more.variants is not None:
        own = shape.read("variants", more.variants)
        users |= _users(own.get("users"), more.variants.name, users)
        _read_variants(found, own, suites, sets, users, platforms, more)
    return found


def _read_variants(
    found: dict[str, Variant],
    top: Mapping,
    suites: dict[str, Suite],
    sets: dict[str, PackageSet],
    users: dict[str, User],
    platforms: dict[str, Platform],
    more: Added | None,
) -> None:
    """Add the variants of one file to those found; it is that of ``more``, if it is given."""
    for name, row in _named_rows(top["variants"]):
        tag, base, layers = row["tag"], row["base"], row["layers"]
        sample, above = row.get("sample"), row.get("above")
        packages = row.get("packages")
        if packages is not None and more is None:
            raise packages.error("is for variants that another workspace adds", "remove it")
        listed = _some_of(row.get("suites"), set(suites), "suite")
        only = _some_of(row.get("platforms"), set(platforms), "platform")
        if only is None and packages is not None:
            # As debian.packages locks them where nothing is said.
            only = tuple(platform.name for platform in platforms.values() if platform.sample)
        variant = Variant(
            name=name,
            tag=template(tag, {"suite"}),
            base=template(base, {"suite"}),
            root=row["root"].name(),
            layers=layers.names(),
            strip=row["strip"].boolean(),
            suites=listed,
            platforms=only,
            sample=None if sample is None else sample.name(),
            packages=_own_packages(
                packages,
                set(suites if listed is None else listed),
                None if more is None else more.packages,
            ),
            added=more is not None,
            **_features(row, tag, users),
        )
        _check_tag(tag, variant, suites)
        for suite, below in suites.items():
            if variant.suites is None or suite in variant.suites:
                for layer in (*layers.sequence(), *(above.sequence() if above else ())):
                    layer.one_of(below.package_sets, f"package set of suite {suite}")
        _check_layers(layers, variant, sets)
        _check_base(base, variant, suites)
        if above is not None:
            _check_above(above, variant, sets)
        if variant.root == "distroless" and "lean" not in variant.features:
            raise layers.error("root distroless has no place for pip", "write features: [lean]")
        for other in found.values():
            if other.tag == variant.tag and other.name != name:
                raise tag.error(f"{other.name!r} has {variant.tag!r}, too", "choose another tag")
        found[name] = variant


def _first_final(row: Mapping) -> datetime.date | None:
    """The day of a minor version's first final release; None while there is none."""
    early, day = row.get("prerelease"), row.get("released")
    if early is not None and early.boolean():
        if day is not None:
            raise day.error("there is no final release yet", "remove it, or remove prerelease")
        return None
    if day is None:
        raise row.value.error(
            "doesn't say when its first final release was",
            "add `released: <day>`, or `prerelease: true` until there is one",
        )
    return day.date()


def _minors(value: Value, suites: set[str] | None, wheels: set[str] | None) -> dict[str, Minor]:
    found: dict[str, Minor] = {}
    for name, row in _named_rows(value):
        aliases, threaded = row.get("aliases"), row.get("free_threaded")
        sampled, env = row.get("sample"), row.get("env")
        minor = Minor(
            name=name,
            aliases=None if aliases is None else aliases.names(),
            env={} if env is None else {key: text.text() for key, text in env.mapping().items()},
            released=_first_final(row),
            eol=row["eol"].date(),
            suites=_some_of(row.get("suites"), suites, "suite"),
            free_threaded=threaded is not None and threaded.boolean(),
            wheels=_some_of(row.get("wheels"), wheels, "wheel") or (),
            sample=None if sampled is None else sampled.name(),
        )
        if minor.released is not None and minor.eol < minor.released:
            raise row.value.error(
                f"eol {minor.eol} is before released {minor.released}", "swap them"
            )
        found[name] = minor
    return found


def _source(value: Value) -> Source:
    row = value.mapping()
    fields = {"version", "base", "minor", "debian"}
    return Source(
        url=template(row["url"], fields),
        pool=template(row["pool"], fields),
        strip_prefix=template(row["strip_prefix"], fields),
    )


def _version(
    value: Value, minors: dict[str, Minor], usual: Source, folder: Path, listed_in: str
) -> Version:
    row = value.mapping()
    number = row["version"]
    made = release(number)
    if made.minor not in minors:
        raise number.error(
            f"{made.minor!r} of {made} is not among minors",
            f'add minors."{made.minor}" to the same file',
        )
    if made.free_threaded:
        raise number.error(
            f"{made} is a build of {made.number}, not a release",
            f'write {made.number}, and free_threaded: true in minors."{made.minor}"',
        )
    other, mirrored = row.get("source"), row.get("mirrored")
    if minors[made.minor].prerelease and not made.prerelease:
        raise number.error(
            f'{made} is final, but minors."{made.minor}" has prerelease: true',
            f"write released: {{day of {made.minor}.0}} there instead",
        )
    released = row["released"].date()
    return Version(
        release=made,
        minor=minors[made.minor],
        sha256=row["sha256"].name(),
        released=released,
        source=usual if other is None else _source(other),
        mirrored=mirrored is None or mirrored.boolean(),
        revision=revisions.read(row, folder, released, listed_in),
    )


def _builds(version: Version) -> list[Version]:
    """The release, and its free-threaded build if the minor version has those."""
    if not version.minor.free_threaded:
        return [version]
    other = dataclasses.replace(version.release, free_threaded=True)
    return [version, dataclasses.replace(version, release=other)]


def _wheels(value: Value | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if value is None:
        return found
    rows = value.mapping()
    for name, item in rows.items():
        found[name] = item.name()
    return found


def _rows(
    rows: Value, minors: dict[str, Minor], usual: Source, folder: Path, listed_in: str
) -> tuple[dict[str, Version], dict[str, Value]]:
    """The releases of one file, and where it lists them."""
    found: dict[str, Version] = {}
    places: dict[str, Value] = {}
    for value in rows.sequence():
        version = _version(value, minors, usual, folder, listed_in)
        if version.name in found:
            raise value.error(
                f"{version.name} is there twice",
                f"line {places[version.name].line} has it already: keep one row",
            )
        for build in _builds(version):
            found[build.name] = build
            places[build.name] = value
    return found, places


def _versions(
    top: Mapping,
    suites: set[str],
    as_of: datetime.date | None,
    sources: str,
    folder: Path,
    more: Added,
) -> tuple[dict[str, Version], dict[str, Minor], dict[str, Value], dict[str, str]]:
    source = _source(top["source"])
    wheels = _wheels(top.get("wheels"))
    minors = _minors(top["minors"], suites, set(wheels))
    rows = top["versions"]
    if more.versions is None:
        found, places = _rows(rows, minors, source, folder, CATALOG)
    else:
        # Theirs first: what they say of a minor version holds for our rows of it, too.
        own = shape.read("versions", more.versions, part="added")
        other, theirs = own.get("source"), own.get("minors")
        wheels |= _wheels(own.get("wheels"))
        minors |= {} if theirs is None else _minors(theirs, suites, set(wheels))
        found, places = _rows(rows, minors, source, folder, CATALOG)
        releases, there = _rows(
            own["versions"],
            minors,
            source if other is None else _source(other),
            more.versions.parent,
            VERSIONS,
        )
        found, places = found | releases, places | there
    if more.revisions is not None:
        found = revisions.read_file(more.revisions, release)(found)
    ordered = sorted(
        (one for one in found.values() if one.mirrored or sources == ALL),
        key=lambda version: version.release.order,
        reverse=True,
    )
    if not ordered:
        raise rows.error("lists no available release", "add at least one row")
    settled = lifecycle.settle({version.name: version for version in ordered}, as_of)
    return settled, minors, places, wheels


def minors(directory: Path, shown: Path | None = None) -> dict[str, Minor]:
    """The checked ``minors`` of versions.yaml alone, with what they say of suites unread.

    Those that another workspace adds where tools run are among them.
    """
    file = "versions.yaml"
    top = shape.read("versions", directory / file, (shown or directory) / file)
    found = _minors(top["minors"], None, None)
    own = added.below(directory).versions
    theirs = None if own is None else shape.read("versions", own, part="added").get("minors")
    return found if theirs is None else found | _minors(theirs, None, None)


def load(
    directory: Path,
    shown: Path | None = None,
    versions: Path | None = None,
    sources: str = ALL,
    more: Added | None = None,
) -> Catalog:
    """The checked catalog in ``directory``, which holds the four files of ``FILES``.

    ``shown`` is what errors call the directory; its own path when absent. ``versions`` is read in
    place of its versions.yaml. With ``sources`` MIRRORED, releases that no mirror of a closed
    network has are left out, as if their rows weren't there. ``more`` is what another workspace
    adds; by default, what is below the directory.

    Raises:
        CatalogError: anything is missing, malformed, unknown or contradictory.
    """
    label = shown or directory
    tops = {
        name: shape.read(name.removesuffix(".yaml"), directory / name, label / name)
        for name in FILES
    }
    if versions is not None:
        tops["versions.yaml"] = shape.read("versions", versions)
    platforms = platforms_file.parse(tops[platforms_file.FILE]).platforms
    day = tops["versions.yaml"].get("as_of")
    as_of = None if day is None else day.date()
    suites = _suites(tops["suites.yaml"], set(platforms), as_of)
    more = added.below(directory) if more is None else more
    sets = _package_sets(directory, label, {row.debian for row in platforms.values()})
    variants = _variants(tops[VARIANTS], suites, sets, platforms, more)
    releases, minors, places, wheels = _versions(
        tops["versions.yaml"],
        set(suites),
        as_of,
        sources,
        versions.parent if versions else directory,
        more,
    )
    catalog = Catalog(
        versions=releases,
        minors=minors,
        suites=suites,
        platforms=platforms,
        variants=variants,
        wheels=wheels,
        as_of=as_of,
    )
    _check_tags(catalog, places)
    return catalog


def _check_tags(catalog: Catalog, places: dict[str, Value]) -> None:
    images = catalog.all_images()
    clash = tags.repeated((image.name, image.tags) for image in images)
    if clash is not None:
        tag, first, second = clash
        place = next(
            places[image.version.name] for image in reversed(images) if image.name == second
        )
        raise CatalogError(
            place.file,
            place.line,
            "",
            f"tag {tag!r} belongs to both {first} and {second}",
            "change an alias in minors or the tag of a variant",
        )
