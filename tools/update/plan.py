"""What is to be changed in the catalog, given what the sources say."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tools.catalog.errors import CatalogError
from tools.catalog.model import Catalog, Version
from tools.catalog.tags import Release
from tools.update.candidate import Candidate, Verified
from tools.update.edit import Suites, Versions
from tools.update.fetch import UnreachableError

Offers = Mapping[Release, list[Candidate]]
Check = Callable[[list[Candidate]], Verified]


@dataclass
class Plan:
    """Changes and remarks, one sentence each, in the order of the summary.

    Attributes:
        changes: what is changed.
        decisions: what a person should decide.
        skipped: what couldn't be looked at, and why.
        relock: suites whose locks are to be renewed.
    """

    changes: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    relock: list[str] = field(default_factory=list)


def heads(catalog: Catalog) -> dict[str, Version]:
    """The newest row of every minor version in the catalog."""
    found: dict[str, Version] = {}
    for version in catalog.versions.values():
        found.setdefault(version.release.minor, version)
    return found


def newer(release: Release, offered: list[Release]) -> list[Release]:
    """Successors of a row, best first: a final release has no pre-release as successor."""
    return sorted(
        (
            other
            for other in offered
            if other.minor == release.minor
            and other.order > release.order
            and (release.prerelease or not other.prerelease)
        ),
        key=lambda other: other.order,
        reverse=True,
    )


def _first_good(ranked: list[Release], offers: Offers, check: Check, plan: Plan) -> Verified | None:
    for release in ranked:
        try:
            return check(offers[release])
        except UnreachableError as error:
            plan.skipped.append(f"CPython {release} is announced, but {error}")
    return None


def releases(
    catalog: Catalog,
    offers: Offers,
    versions: Versions,
    check: Check,
    plan: Plan,
    *,
    add: list[str],
    keep: bool,
) -> None:
    """Plan new CPython releases: successors of rows, and the minor versions in ``add``.

    ``keep`` adds rows and leaves their predecessors where they are.
    """
    rows = heads(catalog)
    offered = list(offers)
    for minor in dict.fromkeys(release.minor for release in offered):
        if minor in rows or minor in add:
            continue
        newest = max(
            (release for release in offered if release.minor == minor), key=lambda one: one.order
        )
        oldest = min(version.release.order for version in rows.values())
        if newest.order > oldest:
            plan.decisions.append(
                f"CPython {newest} exists; `./bazelw run //tools:update -- --add {minor}` adds it"
            )
    top = next(iter(versions.rows()))
    for minor in add:
        if minor in rows:
            raise CatalogError(
                versions.file, None, "versions", f"{minor} is there already", "leave --add away"
            )
        ranked = sorted(
            (one for one in offered if one.minor == minor), key=lambda one: one.order, reverse=True
        )
        found = _first_good(ranked, offers, check, plan)
        if found is None:
            raise CatalogError(
                versions.file, None, "versions", f"no source offers {minor}", "add the row by hand"
            )
        versions.insert(found, top)
        plan.changes.append(f"CPython {found.release}, new ({', '.join(found.origins)})")
        plan.decisions.append(
            f"aliases such as `3` and `latest` stay where they are: move them to {minor} in "
            "`minors` when it is to have them"
        )
    for version in rows.values():
        found = _first_good(newer(version.release, offered), offers, check, plan)
        if found is None:
            continue
        if keep:
            versions.insert(found, version.name)
        else:
            versions.replace(version.name, found)
        if version.minor.prerelease and not found.release.prerelease:
            versions.set_final(version.minor.name, found.released.isoformat())
        plan.changes.append(
            f"CPython {version.name} → {found.release} ({', '.join(found.origins)})"
        )


def _longer(said: str, held: datetime.date) -> str | None:
    """The new end of support, when what is said differs from what the catalog holds."""
    day = held.isoformat()
    if day.startswith(said):
        return None
    if len(said) == len("2030-10"):
        year, month = (int(part) for part in said.split("-"))
        following = datetime.date(year + month // 12, month % 12 + 1, 1)
        return (following - datetime.timedelta(days=1)).isoformat()
    return said


def python_ends(catalog: Catalog, ends: Mapping[str, str], versions: Versions, plan: Plan) -> None:
    """Plan changed ends of support of minor versions."""
    for name, minor in catalog.minors.items():
        new = _longer(ends[name], minor.eol) if name in ends else None
        if new is not None:
            versions.set_eol(name, new)
            plan.changes.append(f"CPython {name} is supported until {new} (was {minor.eol})")


def debian_ends(
    catalog: Catalog, ends: Mapping[str, datetime.date], suites: Suites, plan: Plan
) -> None:
    """Plan changed ends of support of suites."""
    for name, suite in catalog.suites.items():
        if name in ends and ends[name] != suite.eol:
            suites.set_eol(name, ends[name].isoformat())
            plan.changes.append(f"Debian {name} is supported until {ends[name]} (was {suite.eol})")


def point_release(catalog: Catalog, name: str, found: str, suites: Suites, plan: Plan) -> None:
    """Plan a suite's new point release, and to lock it anew."""
    held = catalog.suites[name].point_release
    if found and found != held:
        suites.set_point_release(name, found)
        plan.changes.append(f"Debian {name} {held or 'of unknown release'} → {found}")
        plan.relock.append(name)


def outlived(catalog: Catalog, today: datetime.date, plan: Plan) -> None:
    """Remark on what is built although nobody mends it any more."""
    for version in heads(catalog).values():
        if version.minor.eol < today:
            plan.decisions.append(
                f"CPython {version.release.minor} has had no fixes since {version.minor.eol}"
            )
    plan.decisions.extend(
        f"Debian {suite.name} has had no security support since {suite.eol}, LTS not counted"
        for suite in catalog.suites.values()
        if suite.eol < today
    )
