"""What follows from dates and numbers: what is current, who has aliases, what is in the sample.

The day everything is compared with is ``as_of`` in versions.yaml, never a clock: the same files
give the same images whenever they are read. Without it nothing has ended.

Rules
    1. A minor version has ended when its ``eol`` is before that day.
    2. A release is archived when a newer one of its label is there, when its minor version has
       ended, or when it is a pre-release and the minor version has a final release. Archived images
       can be built by their label; no page, publication or sample has them.
    3. A suite has ended when its ``eol`` is past and, if it has ``lts``, ``lts.until`` too; all
       images on it are archived. Between the two days only the platforms of ``lts`` are published.
    4. Aliases are docker-library's: of each major version the newest final minor that hasn't ended
       has the major's number (``3``), and the newest of all is ``latest``. A minor that lists
       ``aliases`` has exactly those, and no other minor gets one of them by this rule.
    5. In the sample of `bazel test //...` are the newest final minor on ``all`` platforms of the
       sample and the one before on ``one``; of each the newest release, and no free-threaded build.
       A minor that says ``sample`` itself is as it says.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping

from tools.catalog.model import Catalog, Lts, Minor, Version

NONE = "none"
_SAMPLE = ("all", "one")


def over(last: datetime.date, as_of: datetime.date | None) -> bool:
    """Whether the day after ``last`` has come."""
    return as_of is not None and last < as_of


def suite_state(
    platforms: tuple[str, ...],
    eol: datetime.date,
    lts: Lts | None,
    as_of: datetime.date | None,
) -> tuple[tuple[str, ...], bool]:
    """Rule 3: the platforms of a suite that are published, and whether it has ended."""
    if not over(eol, as_of):
        return platforms, False
    if lts is None or over(lts.until, as_of):
        return platforms, True
    return tuple(name for name in platforms if name in lts.platforms), False


def _final(versions: Iterable[Version]) -> list[Minor]:
    """The minor versions that have a final release, newest first."""
    found = {
        version.minor.name: version
        for version in versions
        if not version.release.prerelease and not version.release.free_threaded
    }
    ordered = sorted(found.values(), key=lambda version: version.release.order, reverse=True)
    return [version.minor for version in ordered]


def _aliases(final: list[Minor], as_of: datetime.date | None) -> dict[str, tuple[str, ...]]:
    """Rule 4, by minor version; ``final`` as `_final` gives them."""
    made = {minor.name: minor.aliases for minor in final if minor.aliases is not None}
    named = {alias for aliases in made.values() for alias in aliases}
    by_rule: dict[str, list[str]] = {}
    majors: set[str] = set()
    for minor in final:
        major = minor.name.partition(".")[0]
        if minor.aliases is not None or over(minor.eol, as_of) or major in majors:
            continue
        by_rule[minor.name] = [major] if majors else [major, "latest"]
        majors.add(major)
    return made | {
        name: tuple(alias for alias in aliases if alias not in named)
        for name, aliases in by_rule.items()
    }


def _samples(final: list[Minor], as_of: datetime.date | None) -> dict[str, str | None]:
    """Rule 5, by minor version."""
    current = [minor.name for minor in final if not over(minor.eol, as_of)]
    made: dict[str, str | None] = dict(zip(current, _SAMPLE, strict=False))
    for minor in final:
        if minor.sample is not None:
            made[minor.name] = None if minor.sample == NONE else minor.sample
    return made


def settle(versions: Mapping[str, Version], as_of: datetime.date | None) -> dict[str, Version]:
    """The versions, newest first as they came, with what the rules say of each.

    Args:
        versions: by name; all builds of all available releases.
        as_of: the day the catalog describes.
    """
    final = _final(versions.values())
    finals = {minor.name for minor in final}
    aliases, samples = _aliases(final, as_of), _samples(final, as_of)
    seen: set[str] = set()
    made: dict[str, Version] = {}
    for name, version in versions.items():
        minor, release = version.minor, version.release
        newest = release.label not in seen
        seen.add(release.label)
        final_came = release.prerelease and minor.name in finals
        archived = not newest or final_came or over(minor.eol, as_of)
        sampled = not (archived or release.free_threaded or release.prerelease)
        made[name] = dataclasses.replace(
            version,
            aliases=aliases.get(minor.name, ()),
            sample=samples.get(minor.name) if sampled else None,
            archived=archived,
        )
    return made


def _two(names: list[str]) -> tuple[str, str]:
    """The first and the second of some names; the first for both where there is but one."""
    return names[0], names[min(1, len(names) - 1)]


def roles(catalog: Catalog) -> dict[str, str]:
    """What tests, measurements and examples take from the catalog by its role, not by its name."""
    published = [version for version in catalog.versions.values() if not version.archived]
    supported = [suite for suite in catalog.suites.values() if not suite.ended]
    final = [minor.name for minor in _final(published)]
    minor, other_minor = _two(final or [version.release.label for version in published])
    suite, other_suite = _two([suite.name for suite in supported])
    sample = [name for name in supported[0].published if catalog.platforms[name].sample]
    platform, other_platform = _two(sample or list(supported[0].published))
    return {
        "suite": suite,
        "other_suite": other_suite,
        "minor": minor,
        "other_minor": other_minor,
        "platform": platform,
        "other_platform": other_platform,
    }
