"""Which of a distribution's problems an image has, and what has been said about them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from packageurl import PackageURL

from tools.attestations.cves.advisories import Advisories, Entry
from tools.attestations.cves.bill import Bill, Package
from tools.attestations.cves.vex import Statement

# Most urgent first. Debian assigns most problems no urgency, Alpine none: those come before what is
# called low.
URGENCIES: Final = ("high", "medium", "not yet assigned", "low", "unimportant")


@dataclasses.dataclass(frozen=True)
class Finding:
    """A problem that packages of an image have.

    Attributes:
        entry: what the distribution says.
        packages: the image's packages built from the source package, by name.
        statement: what was said about it for all of them; None without any.
    """

    entry: Entry
    packages: tuple[Package, ...]
    statement: Statement | None

    @property
    def fix(self) -> str:
        """The version of the source package that the suite has it fixed in; empty without one."""
        return self.entry.fixed_version if self.entry.status == "resolved" else ""

    @property
    def rank(self) -> int:
        """0 for the most urgent; an urgency unknown to us counts as not assigned."""
        urgency = self.entry.urgency
        return URGENCIES.index(urgency if urgency in URGENCIES else "not yet assigned")

    @property
    def suppressed(self) -> bool:
        """Whether a statement says that there is nothing to do."""
        return self.statement is not None and self.statement.suppresses

    @property
    def unimportant(self) -> bool:
        """Whether the distribution says that it is no problem of the package as it builds it."""
        return self.entry.urgency == "unimportant"


def find(bill: Bill, advisories: Advisories, statements: Sequence[Statement]) -> list[Finding]:
    """Return what the image has, most urgent first."""
    for suite in {package.suite for package in bill.packages}:
        advisories.check_suite(suite)
    sources: dict[tuple[str, str, str], list[Package]] = {}
    for package in bill.packages:
        key = package.suite, package.source, package.source_version
        sources.setdefault(key, []).append(package)
    found = [
        Finding(entry, tuple(packages), _statement(bill, entry, packages, statements))
        for (suite, source, version), packages in sources.items()
        for entry in advisories.entries(source, suite)
        if _affects(entry, version, advisories)
    ]
    return sorted(found, key=lambda one: (one.rank, one.packages[0].source, one.entry.id))


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A problem of something that no distribution knows, which a statement says is fixed.

    Attributes:
        id: the CVE's number, or another name if it has none.
        package: what is fixed, by its package URL.
        statement: what says so.
    """

    id: str
    package: PackageURL
    statement: Statement


def fixed(bill: Bill, statements: Sequence[Statement]) -> list[Fixed]:
    """Return what is fixed in CPython and in Python packages, of which no data of ours tell."""
    last: dict[tuple[str, str], Fixed] = {}
    for statement in statements:
        # A CVE's number is before other names.
        name = min(statement.ids)
        for package in bill.others:
            if statement.applies(bill.purl, [package]):
                last[name, package.to_string()] = Fixed(name, package, statement)
    return [one for _, one in sorted(last.items()) if one.statement.status == "fixed"]


def _affects(entry: Entry, version: str, advisories: Advisories) -> bool:
    if entry.status != "resolved":
        return True
    return entry.fixed_version != "0" and advisories.older(version, entry.fixed_version)


def _statement(
    bill: Bill, entry: Entry, packages: Sequence[Package], statements: Sequence[Statement]
) -> Statement | None:
    """Return the statement for all the packages; what is said of a part of them counts for none."""
    chosen = []
    for package in packages:
        purls = [package.purl, package.source_purl]
        fitting = [
            statement
            for statement in statements
            if entry.id in statement.ids and statement.applies(bill.purl, purls)
        ]
        if not fitting:
            return None
        chosen.append(fitting[-1])
    return next((one for one in chosen if not one.suppresses), chosen[0])
