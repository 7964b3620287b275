"""docker-library's versions.json: reading one as a family, and writing a family as one.

A versions.json says which releases there are and on what they are built. The rest follows: the
newest final release of a major version has the major's number as alias and the newest of all is
also ``latest``; architectures are those of catalog/parents.yaml.
"""

from __future__ import annotations

from pathlib import Path

from tools.catalog import family_load, grammar, load, platforms, shape, tags, yamlfile
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Family, FamilyRelease, base_of
from tools.catalog.yamlfile import Mapping, Value

# Written into older versions.json files; they have no bearing on tags or pages.
_IGNORED = ("pip", "get-pip", "wheel")


def _sha256(checksums: Mapping | None, of: str) -> str | None:
    value = None if checksums is None else checksums.get(of)
    if value is None:
        return None
    row = value.mapping()
    found = row.get("sha256")
    for other in ("md5", "sha1", "sha512"):
        row.get(other)
    row.done()
    if found is None:
        return None
    return found.matching(
        "[0-9a-f]{64}",
        "a SHA-256 (64 lower-case hex digits)",
        "take it from the release's own checksum file",
    )


def _setuptools(value: Value | None) -> str | None:
    if value is None:
        return None
    row = value.mapping()
    version = row.need("version", "add the version").matching(*grammar.PEP440)
    row.done()
    return version


def _release(label: str, value: Value) -> FamilyRelease:
    row = value.mapping()
    number = row.need("version", "add the release")
    release = load.release(number)
    if release.label != label:
        raise number.error(f"{release} is not a release of {label}", f"its key is {release.label}")
    checksums = row.get("checksums")
    sums = None if checksums is None else checksums.mapping()
    made = FamilyRelease(
        release=release,
        aliases=(),
        variants=row.need("variants", "list what it is built on").each(*grammar.VARIANT),
        without=(),
        commits={},
        sha256=_sha256(sums, "source"),
        windows_sha256=_sha256(sums, "windows"),
        setuptools=_setuptools(row.get("setuptools")),
    )
    if sums is not None:
        sums.done()
    for key in _IGNORED:
        row.get(key)
    row.done()
    return made


def _aliased(releases: list[FamilyRelease]) -> tuple[FamilyRelease, ...]:
    majors: set[int] = set()
    made: list[FamilyRelease] = []
    for release in sorted(releases, key=lambda one: one.release.order, reverse=True):
        aliases: tuple[str, ...] = ()
        major = release.release.major
        if not release.release.prerelease and major not in majors:
            aliases = (str(major),) if majors else (str(major), "latest")
            majors.add(major)
        made.append(
            FamilyRelease(
                release=release.release,
                aliases=aliases,
                variants=release.variants,
                without=(),
                commits={},
                sha256=release.sha256,
                windows_sha256=release.windows_sha256,
                setuptools=release.setuptools,
            )
        )
    return tuple(made)


def read(file: Path, directory: Path, shown: Path | None = None) -> Family:
    """The versions.json ``file`` as a family; ``directory`` holds parents.yaml.

    Raises:
        CatalogError: either file is malformed, or a parent's architectures aren't known.
    """
    top = yamlfile.read(file, shown)
    releases = [_release(label, value) for label, value in top.items() if not value.is_null()]
    if not releases:
        raise top.value.error("names no release", "add at least one")
    parents = shape.read("parents", directory / "parents.yaml")
    pages = platforms.read(directory).pages
    architectures = family_load.architectures_of(parents.get("architectures"), pages)
    family = Family(
        name=family_load.name_of(file),
        title="Python images",
        image="python",
        scheme="official",
        page="tags",
        maintainers=(),
        git_repo="https://github.com/docker-library/python.git",
        dockerfile_url=None,
        slim_directory=None,
        builder="buildkit",
        windows_builder="classic",
        default=None,
        architectures=architectures,
        pages=pages,
        targets={},
        releases=_aliased(releases),
    )
    for release in family.releases:
        for variant in release.variants:
            base = base_of(variant, architectures)
            if not variant.startswith(tags.WINDOWS) and base not in architectures:
                raise CatalogError(
                    shown or file,
                    None,
                    f'["{release.release.label}"].variants',
                    f"the architectures of {base!r} are not known",
                    f"add {base!r} to {directory / 'parents.yaml'}",
                )
    fault = family_load.check_tags(family)
    if fault is not None:
        raise CatalogError(shown or file, None, "", *fault)
    return family


def versions(family: Family) -> dict[str, dict[str, object]]:
    """The family as a versions.json's content, keys sorted; unknown facts are left out."""
    made: dict[str, dict[str, object]] = {}
    for release in sorted(family.releases, key=lambda one: one.release.label):
        sums = {"source": release.sha256, "windows": release.windows_sha256}
        known = {of: {"sha256": value} for of, value in sums.items() if value is not None}
        row: dict[str, object] = {}
        if known:
            row["checksums"] = known
        if release.setuptools is not None:
            row["setuptools"] = {"version": release.setuptools}
        row["variants"] = list(release.variants)
        row["version"] = release.name
        made.setdefault(release.release.label, row)
    return made
