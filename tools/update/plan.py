"""What is to be changed in the catalog, given what the sources say."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.catalog.catalog_error import CatalogError
from tools.catalog.model import Catalog, Version
from tools.catalog.tags import Release
from tools.update.candidate import DEBIAN, Candidate, MismatchError, Verified, declared
from tools.update.debian import Ends
from tools.update.edit import Suites, Versions, Windows
from tools.update.fetch import UnreachableError

Offers = Mapping[Release, list[Candidate]]
Check = Callable[[list[Candidate]], Verified]


@dataclass
class Plan:
    """Changes and remarks, one sentence each, in the order of the summary.

    Attributes:
        alarms: what must not happen, and what to do if it is meant.
        failures: what was to be done and can't be.
        decisions: what a person should decide, with the edit or the command.
        news: releases that are announced but not available yet.
        changes: what is changed, and why.
        skipped: what couldn't be looked at, and why.
    """

    alarms: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    news: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status: 0 nothing to do, 1 changes or news, 2 a failure."""
        if self.alarms or self.failures:
            return 2
        return int(bool(self.changes or self.news or self.decisions))


def heads(catalog: Catalog) -> dict[str, Version]:
    """The newest row of every minor version in the catalog."""
    return {minor: rows[0] for minor, rows in _rows(catalog).items()}


def _rows(catalog: Catalog) -> dict[str, list[Version]]:
    """The rows of every minor version, newest first."""
    found: dict[str, list[Version]] = {}
    for version in catalog.versions.values():
        if not version.release.free_threaded:
            found.setdefault(version.release.minor, []).append(version)
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


def wanted(catalog: Catalog, known: list[Release]) -> list[Release]:
    """Those of the published releases that may be news: successors of rows, and newer minors."""
    rows = heads(catalog)
    oldest = min(version.release.order for version in rows.values())
    best: dict[str, Release] = {}
    for release in known:
        if best.setdefault(release.minor, release).order < release.order:
            best[release.minor] = release
    chosen: list[Release] = []
    for minor, newest in best.items():
        if minor in rows:
            chosen += newer(rows[minor].release, known)
        elif newest.order > oldest:
            chosen.append(newest)
    return chosen


@dataclass(frozen=True)
class Wishes:
    """What the command line says of releases.

    Attributes:
        add: minor versions to begin with.
        declare: releases whose checksum is enough: not everyone can have their source.
        keep: leave the rows of superseded releases where they are.
        today: the day of a declared release, if nobody says it.
    """

    today: datetime.date
    add: Sequence[str] = ()
    declare: Sequence[str] = ()
    keep: bool = False


class Releases:
    """Plans what becomes of the rows of versions.yaml."""

    def __init__(
        self, catalog: Catalog, offers: Offers, versions: Versions, plan: Plan, wishes: Wishes
    ) -> None:
        self._catalog = catalog
        self._offers = offers
        self._versions = versions
        self._plan = plan
        self._wishes = wishes

    def run(self, check: Check, ends: Mapping[str, str]) -> None:
        """Plan successors of rows, and new minor versions.

        Args:
            check: says of a release whether and where it is available.
            ends: of minor versions, as python.org says them.

        Raises:
            CatalogError: a minor version can't be added.
        """
        rows = _rows(self._catalog)
        announced = {str(release) for release in self._offers}
        for name in self._wishes.declare:
            if name not in announced:
                raise self._refuse(f"no source announces {name}", "leave --declare away")
        self._unknown(rows)
        for minor in self._wishes.add:
            self._add(minor, rows, check, ends)
        for versions in rows.values():
            found = self._first_good(newer(versions[0].release, list(self._offers)), check)
            if found is not None:
                self._follow(versions, found)
            elif not versions[0].mirrored:
                self._arrive(versions, check)

    def _first_good(self, ranked: list[Release], check: Check) -> Verified | None:
        """The best release whose source is available; none if its announcement isn't true."""
        for release in ranked:
            try:
                if str(release) in self._wishes.declare:
                    return declared(self._offers[release], self._wishes.today)
                return check(self._offers[release])
            except UnreachableError as error:
                self._absent(release, str(error), first=release == ranked[0])
            except MismatchError as error:
                self._plan.failures.append(f"CPython {release}: {error}")
                return None
        return None

    def _absent(self, release: Release, why: str, *, first: bool) -> None:
        said = f"CPython {release} is announced, but {why}"
        if first:
            said += (
                ". You can declare a release that isn't available from here, with the announced "
                f"checksum: `./bazelw run //tools:update -- --declare {release}`"
            )
        self._plan.news.append(said)

    def _unknown(self, rows: Mapping[str, list[Version]]) -> None:
        """Remark on minor versions that nobody builds yet."""
        oldest = min(versions[0].release.order for versions in rows.values())
        for minor in dict.fromkeys(release.minor for release in self._offers):
            newest = max(
                (release for release in self._offers if release.minor == minor),
                key=lambda one: one.order,
            )
            if minor not in rows and minor not in self._wishes.add and newest.order > oldest:
                self._plan.decisions.append(
                    f"CPython {newest} exists: begin to build it with "
                    f"`./bazelw run //tools:update -- --add {minor}`"
                )

    def _refuse(self, problem: str, remedy: str) -> CatalogError:
        return CatalogError(self._versions.file, None, "versions", problem, remedy)

    def _add(
        self,
        minor: str,
        rows: Mapping[str, list[Version]],
        check: Check,
        ends: Mapping[str, str],
    ) -> None:
        if minor in rows:
            raise self._refuse(f"{minor} is there already", "leave --add away")
        ranked = sorted(
            (one for one in self._offers if one.minor == minor),
            key=lambda one: one.order,
            reverse=True,
        )
        if not ranked:
            known = ", ".join(sorted({one.minor for one in self._offers})) or "none"
            raise self._refuse(f"no source offers {minor}", f"add one of those offered: {known}")
        found = self._first_good(ranked, check)
        if found is None:
            why = [*self._plan.failures, *self._plan.news][-1]
            raise self._refuse(f"{minor} isn't available: {why}", "try again when it is")
        final = not found.release.prerelease
        if minor not in self._catalog.minors:
            self._add_minor(minor, found, ends)
        elif final and self._catalog.minors[minor].prerelease:
            self._versions.set_final(minor, found.released.isoformat())
        above = next(
            (
                name
                for name, row in heads(self._catalog).items()
                if row.release.order < found.release.order
            ),
            None,
        )
        if above is None:
            raise self._refuse(f"{minor} is older than all rows", "add its row by hand, last")
        self._versions.insert(found, rows[above][0].name)
        self._plan.changes.append(f"CPython {found.release}, new ({', '.join(found.origins)})")
        self._plan.decisions.append(
            f"what is particular to {minor} is tested as for the minor version before it: write "
            f"images/structure/python-{minor}.yaml and add {minor} to images/structure/minors.bzl"
        )

    def _add_minor(self, minor: str, found: Verified, ends: Mapping[str, str]) -> None:
        """Write what all releases of a new minor version have in common."""
        eol = ends.get(minor)
        if eol is None:
            raise CatalogError(
                self._versions.file,
                None,
                "minors",
                f"nobody says until when {minor} is supported",
                f'add minors."{minor}" by hand: `prerelease: true` or `released: <day>`, '
                "and `eol: <day>`",
            )
        newest = next(iter(self._catalog.minors.values()))
        self._versions.add_minor(
            minor,
            above=newest.name,
            free_threaded=newest.free_threaded,
            released="" if found.release.prerelease else found.released.isoformat(),
            eol=last_day(eol),
        )

    def _follow(self, versions: list[Version], found: Verified) -> None:
        """Put a successor in place of the rows it supersedes."""
        head = versions[0]
        ended: dict[str, list[str]] = {}
        # Where only some can have the new one, the newest that all can have stays.
        if self._wishes.keep or (head.mirrored and not found.mirrored):
            self._versions.insert(found, head.name)
        else:
            ended[head.name] = self._versions.replace(head.name, found)
        if found.mirrored:
            self._supersede(versions, ended)
        self._named(ended)
        if head.minor.prerelease and not found.release.prerelease:
            self._versions.set_final(head.minor.name, found.released.isoformat())
        self._plan.changes.append(
            f"CPython {head.name} → {found.release} ({', '.join(found.origins)})"
            + ("" if found.mirrored else f"; no Debian mirror has it yet: {_KEPT}")
        )

    def _supersede(self, versions: list[Version], ended: dict[str, list[str]]) -> None:
        """Remove the row that stayed because not everyone could have the one above it."""
        if self._wishes.keep or versions[0].mirrored or len(versions) == 1:
            return
        if versions[1].mirrored:
            ended[versions[1].name] = self._versions.remove(versions[1].name)

    def _arrive(self, versions: list[Version], check: Check) -> None:
        """A row that not everyone could have: maybe Debian's mirrors have it now."""
        head = versions[0]
        offers = [
            offer
            for offer in self._offers.get(head.release, [])
            if offer.origin == DEBIAN and offer.sha256 == head.sha256
        ]
        if not offers:
            return
        try:
            check(offers)
        except UnreachableError:
            return
        except MismatchError as error:
            self._plan.failures.append(f"CPython {head.name}: {error}")
            return
        self._versions.unmark(head.name)
        ended: dict[str, list[str]] = {}
        self._supersede(versions, ended)
        self._named(ended)
        self._plan.changes.append(f"CPython {head.name} is on Debian's mirrors now")

    def _named(self, ended: Mapping[str, list[str]]) -> None:
        self._plan.decisions.extend(
            f"the row of {name} had {', '.join(f'`{key}`' for key in keys)}, which ended with it: "
            "if its successor needs that too, add it there in catalog/versions.yaml"
            for name, keys in ended.items()
            if keys
        )


_KEPT = "marked `mirrored: false`, and the row before it stays"


def last_day(said: str) -> str:
    """A day, or the last one of a month."""
    if len(said) != len("2030-10"):
        return said
    year, month = (int(part) for part in said.split("-"))
    following = datetime.date(year + month // 12, month % 12 + 1, 1)
    return (following - datetime.timedelta(days=1)).isoformat()


def _longer(said: str, held: datetime.date) -> str | None:
    """The new end of support, when what is said differs from what the catalog holds."""
    return None if held.isoformat().startswith(said) else last_day(said)


def python_ends(catalog: Catalog, ends: Mapping[str, str], versions: Versions, plan: Plan) -> None:
    """Plan changed ends of support of minor versions."""
    for name, minor in catalog.minors.items():
        new = _longer(ends[name], minor.eol) if name in ends else None
        if new is not None:
            versions.set_eol(name, new)
            plan.changes.append(f"CPython {name} is supported until {new} (was {minor.eol})")


def debian_ends(catalog: Catalog, ends: Mapping[str, Ends], suites: Suites, plan: Plan) -> None:
    """Plan changed ends of support of suites."""
    for name, suite in catalog.suites.items():
        if name not in ends:
            continue
        eol, lts = ends[name]
        if eol != suite.eol:
            suites.set_eol(name, eol.isoformat())
            plan.changes.append(f"Debian {name} is supported until {eol} (was {suite.eol})")
        if suite.lts is not None and lts is not None and lts != suite.lts.until:
            suites.set_lts(name, lts.isoformat())
            plan.changes.append(
                f"Debian {name} is under long-term support until {lts} (was {suite.lts.until})"
            )


def long_term(
    catalog: Catalog,
    ends: Mapping[str, Ends],
    supported: Mapping[str, Sequence[str]],
    today: datetime.date,
    suites: Suites,
    plan: Plan,
) -> None:
    """Plan the beginning of suites' long-term support.

    Args:
        catalog: the catalog as it is.
        ends: by suite, the days on which support and long-term support end.
        supported: of each suite the Debian architectures that its security archive is for.
        today: the day that the suites' ends are compared with.
        suites: the editor of suites.yaml.
        plan: what the changes are added to.
    """
    for name, suite in catalog.suites.items():
        eol, until = ends.get(name, (suite.eol, None))
        if suite.lts is not None or eol >= today:
            continue
        platforms = [
            platform
            for platform in suite.platforms
            if catalog.platforms[platform].debian in supported.get(name, ())
        ]
        if until is not None and until > today and platforms:
            suites.add_lts(name, until.isoformat(), platforms)
            plan.changes.append(
                f"Debian {name} is under long-term support since {eol}, until {until}, for "
                f"{', '.join(platforms)}"
            )
        elif not suite.ended:
            plan.decisions.append(
                f"Debian {name} has had no regular support since {eol}. If it has long-term "
                f"support, add below its `eol` in catalog/suites.yaml:\n"
                f"`lts: {{until: <last day>, platforms: [{', '.join(platforms) or '...'}]}}`\n"
                f"If it has none, write `as_of: {today}` in catalog/versions.yaml: its images are "
                "archived then."
            )


def day(catalog: Catalog, today: datetime.date, versions: Versions, plan: Plan) -> None:
    """Move the day that the catalog describes, if anything has ended since.

    ``catalog`` is the one with all other changes.
    """
    held = catalog.as_of
    if held is None or held >= today:
        return

    def since(last: datetime.date) -> bool:
        return held <= last < today

    if any(since(suite.eol) and suite.lts is None for suite in catalog.suites.values()):
        return  # long_term has left that to a person
    said = [
        f"CPython {minor} has ended on {version.minor.eol}: its images leave the pages, what is "
        "published and the sample, and can still be built"
        for minor, version in heads(catalog).items()
        if since(version.minor.eol)
    ]
    for suite in catalog.suites.values():
        if since(suite.eol) and suite.lts is not None:
            said.append(
                f"Debian {suite.name} is under long-term support: images on it are published for "
                f"{', '.join(suite.lts.platforms)}, and can be built for all platforms"
            )
        if suite.lts is not None and since(suite.lts.until):
            said.append(
                f"Debian {suite.name} has ended: images on it leave the pages and what is "
                "published, and can still be built"
            )
    if said:
        versions.set_as_of(today.isoformat())
        plan.changes += said


def windows_files(
    catalog: Catalog,
    after: Catalog,
    known: Mapping[Release, dict[str, str]],
    windows: Windows,
    plan: Plan,
) -> None:
    """Plan the checksums of new releases' files for Windows.

    Args:
        catalog: the catalog as it is.
        after: the catalog as it will be.
        known: what python.org says.
        windows: the editor of windows.yaml.
        plan: what the changes are added to.
    """
    for name, version in after.versions.items():
        release = version.release
        if name in catalog.versions or release.free_threaded:
            continue
        if release.minor not in windows.minors():
            continue
        if release in known:
            windows.add_sums(name, known[release])
            plan.changes.append(
                f"CPython {name} for Windows: {' and '.join(sorted(known[release]))}"
            )
        else:
            plan.decisions.append(
                f"the checksums of CPython {name} for Windows are on its page at python.org: add "
                f"below `sha256` in catalog/windows.yaml\n"
                f"`{name}: {{archive: <of the zip>, installer: <of the exe>}}`"
            )


def point_release(
    catalog: Catalog, name: str, found: str, suites: Suites, plan: Plan, *, locked: bool
) -> None:
    """Plan a suite's new point release; it is only recorded with the locks that were made of it."""
    held = catalog.suites[name].point_release
    if found == held:
        return
    if locked:
        suites.set_point_release(name, found)
        plan.changes.append(f"Debian {name} {held or 'of unknown release'} → {found}")
    else:
        plan.news.append(
            f"Debian {name} {found} is out; the catalog says so when all locks of {name} are "
            f"renewed: `./bazelw run //tools:update -- --suite {name}`"
        )
