"""The run in Markdown, for a pull request: decisions first, long lists last and folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.update.effects import Effects
from tools.update.locks import Failed
from tools.update.packages import Change, Kind
from tools.update.plan import Plan
from tools.update.security import Key, key

_MEGA = 1e6
# As tools/packages/debian/lock_debian.py says it.
_CONTENT = re.compile(r"content of (\S+) (\S+) changed")


@dataclass(frozen=True)
class Report:
    """What there is to say.

    Attributes:
        changes: of packages, in all locks that are renewed.
        numbers: CVE numbers of what they mend.
        everywhere: package sets that are in all images.
        unread: source packages whose changelogs couldn't be read.
        written: the files that changed; empty when nothing is written.
        done: whether the plan was carried out.
    """

    plan: Plan
    changes: Sequence[Change] = ()
    numbers: Mapping[Key, frozenset[str]] = field(default_factory=dict)
    everywhere: frozenset[str] = frozenset()
    unread: Sequence[str] = ()
    effects: Effects = field(default_factory=Effects)
    written: Sequence[str] = ()
    done: bool = False


@dataclass
class _Source:
    """Changes of the packages of one source package in a suite."""

    suite: str
    name: str
    changes: list[Change] = field(default_factory=list)
    numbers: frozenset[str] = frozenset()
    everywhere: bool = False

    @property
    def secure(self) -> bool:
        """Whether the security team has published it."""
        return any(change.from_security for change in self.changes)

    @property
    def rank(self) -> tuple[bool, bool, bool, int, str, str]:
        """What mends known vulnerabilities comes first, and of that what is in all images."""
        return (
            not self.numbers,
            not self.secure,
            not self.everywhere,
            -len(self.numbers),
            self.name,
            self.suite,
        )

    @property
    def relevant(self) -> bool:
        """Whether it is about security."""
        return bool(self.numbers) or self.secure


def _sources(report: Report) -> list[_Source]:
    found: dict[tuple[str, str], _Source] = {}
    for change in report.changes:
        source = found.setdefault(
            (change.suite, change.source), _Source(change.suite, change.source)
        )
        source.changes.append(change)
        source.numbers |= report.numbers.get(key(change), frozenset())
        source.everywhere |= bool(change.sets & report.everywhere)
    return sorted(found.values(), key=lambda one: one.rank)


def _versions(changes: Iterable[Change]) -> str:
    """What has become of the versions, each once."""
    said: dict[str, None] = {}
    for change in changes:
        old = "" if change.old is None else change.old.version
        new = "" if change.new is None else change.new.version
        match change.kind:
            case Kind.ADDED:
                said[f"{new} (new)"] = None
            case Kind.REMOVED:
                said[f"{old} (gone)"] = None
            case Kind.SETS:
                said[f"{new} (in other sets)"] = None
            case Kind.CONTENT:
                said[f"{new} (other content)"] = None
            case _:
                said[f"{old} → {new}"] = None
    return ", ".join(said)


def _names(values: Iterable[str], most: int = 6) -> str:
    """Values once each, or how many there are beyond the first."""
    every = list(dict.fromkeys(values))
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest


def _table(sources: Sequence[_Source]) -> str:
    rows = ["| source | suite | versions | mends | sets | architectures |", "| --- " * 6 + "|"]
    for one in sources:
        mends = _names(sorted(one.numbers), 12) or ("security update" if one.secure else "")
        sets = _names(sorted({name for change in one.changes for name in change.sets}), 9)
        archs = _names(sorted(change.arch for change in one.changes), 9)
        rows.append(
            f"| {one.name} | {one.suite} | {_versions(one.changes)} | {mends} | {sets} | {archs} |"
        )
    return "\n".join(rows) + "\n"


def _folded(title: str, body: str) -> str:
    return f"\n<details><summary>{title}</summary>\n\n{body}\n</details>\n"


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    # A line of its own may follow indented, such as an edit or what a program says.
    items = "".join("- " + line.replace("\n", "\n  ") + "\n" for line in lines)
    return f"\n### {title}\n\n{items}"


def _megabytes(size: int) -> str:
    return f"{size / _MEGA:.1f} MB"


def _effects(effects: Effects) -> str:
    lines = [
        f"{one.suite} {one.variant}: layers {', '.join(one.names)} of {one.images} images, on "
        f"{', '.join(one.platforms)} (about {_megabytes(one.size)})"
        for one in effects.layers
    ]
    if effects.fetched:
        lines.append(f"to fetch: {_megabytes(effects.fetched)} of packages")
    if effects.pushed:
        lines.append(f"to push: about {_megabytes(effects.pushed)}, by the sizes of the .debs")
    lines += [f"to compile: {line}" for line in _compiles(effects)]
    return _list("Images", lines)


def _compiles(effects: Effects) -> list[str]:
    """One line for each build of CPython that is to be made."""
    made: dict[str, list[str]] = {}
    for build in effects.compiles:
        count = len(build.platforms)
        what = f"{build.suite} for {count} platform{'s' if count > 1 else ''}"
        made.setdefault(build.release, []).append(what)
    return [f"CPython {release} on {', on '.join(suites)}" for release, suites in made.items()]


def _packages(report: Report) -> str:
    sources = _sources(report)
    relevant = [one for one in sources if one.relevant]
    rest = [one for one in sources if not one.relevant]
    parts: list[str] = []
    if relevant:
        count = len({number for one in relevant for number in one.numbers})
        parts.append(f"\n### Security (source packages: {len(relevant)}, CVE numbers: {count})\n\n")
        parts.append(_table(relevant))
    if rest:
        parts.append(_folded(f"Other source packages: {len(rest)}", _table(rest)))
    if report.unread:
        parts.append(
            f"\nCVE numbers are those of the changelogs; none could be read of "
            f"{_names(report.unread, 20)}.\n"
        )
    return "".join(parts)


def render(report: Report) -> str:
    """The text."""
    plan = report.plan
    parts = ["## Catalog update\n"]
    parts.append(_list("Alarm", plan.alarms))
    parts.append(_list("Failed", plan.failures))
    parts.append(_list("To decide", plan.decisions))
    parts.append(_list("Not available yet", plan.news))
    parts.append(_list("Changes" if report.done else "Plan", plan.changes))
    if not plan.status:
        parts.append(
            "\nNothing new was found.\n" if plan.skipped else "\nEverything is up to date.\n"
        )
    parts.append(_effects(report.effects))
    parts.append(_packages(report))
    if plan.skipped:
        parts.append(_list("Not checked", plan.skipped))
    if report.written:
        names = "".join(f"- `{name}`\n" for name in report.written)
        parts.append(_folded(f"Files: {len(report.written)}", names))
    return "".join(parts)


def locked(changes: Sequence[Change], names: Sequence[str]) -> str:
    """One line for the locks that are renewed."""
    kinds = {kind: sum(change.kind is kind for change in changes) for kind in Kind}
    said = [f"{count} {kind.value}" for kind, count in kinds.items() if count]
    what = f"packages: {', '.join(said)}" if said else "other parts of the archive"
    return f"locks of {_names(names, 20)}; {what}"


def back(change: Change) -> str:
    """The alarm for a package that would go back, and how to take it nevertheless."""
    old, new = change.old, change.new
    assert old is not None
    assert new is not None
    return (
        f"{new.name} ({change.suite}, {change.arch}) would go back from {old.version} to "
        f"{new.version}: the mirror is behind, or a part of the archive is missing. The lock stays "
        f"as it is. {_accept(new.name, new.version)}"
    )


def content(failed: Failed) -> str:
    """The alarm for a lock with a version that has other bytes now."""
    match = _CONTENT.search(failed.why)
    accept = _accept(match[1], match[2]) if match else ""
    return f"lock of {failed.name}: {failed.why}\n{accept}"


def _accept(name: str, version: str) -> str:
    return f"If it is meant: `./bazelw run //tools:update -- --accept {name}={version}`"
