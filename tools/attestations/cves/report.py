"""The findings for people, as text, and for programs, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.attestations.cves.advisories import Advisories
from tools.attestations.cves.bill import Bill
from tools.attestations.cves.findings import URGENCIES, Finding, Fixed
from tools.attestations.cves.vex import Statement
from tools.text import quote


def text(
    bill: Bill,
    advisories: Advisories,
    findings: Sequence[Finding],
    hidden: int,
    fixed: Sequence[Fixed] = (),
) -> str:
    """Return a table of what isn't suppressed, then counts; `hidden` are unimportant ones."""
    shown = [one for one in findings if not one.suppressed]
    rows: list[tuple[str, ...]] = [("URGENCY", "CVE", "SOURCE", "VERSION", "FIXED IN", "PACKAGES")]
    rows += [
        _plain(
            (
                one.entry.urgency,
                one.entry.id,
                one.packages[0].source,
                one.packages[0].source_version,
                one.fix or _instead(one),
                " ".join(package.name for package in one.packages),
            )
        )
        for one in shown
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)
        ).rstrip()
        for row in rows
    ]
    counts = ", ".join(
        f"{count} {urgency}"
        for urgency in URGENCIES
        if (count := sum(one.rank == URGENCIES.index(urgency) for one in shown))
    )
    lines += [
        "",
        quote.terminal(f"{bill.name} {bill.digest}"),
        f"{len(bill.packages)} {bill.distribution.title} packages, {len(shown)} vulnerabilities"
        + (f": {counts}" if counts else ""),
        f"{sum(bool(one.fix) for one in shown)} fixed in newer packages of the suite;"
        f" {len(findings) - len(shown)} suppressed; {hidden} unimportant left out",
        *(
            quote.terminal(f"fixed: {one.id} in {one.package.name} {one.package.version}")
            for one in fixed
        ),
        *(
            quote.terminal(f"data: {origin.name} sha256:{origin.sha256}")
            for origin in advisories.origins
        ),
    ]
    return "\n".join(lines if shown else lines[2:]) + "\n"


def _plain(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row for a terminal: what the data say can't move its cursor."""
    return tuple(quote.terminal(cell) for cell in row)


def _instead(finding: Finding) -> str:
    """Return what there is to say of a problem without a fix, in a word or two."""
    if finding.entry.status == "undetermined":
        return "(undetermined)"
    if finding.statement:
        return f"({finding.statement.status})"
    return "(no advisory)" if finding.entry.nodsa else ""


def as_json(
    bill: Bill,
    advisories: Advisories,
    findings: Sequence[Finding],
    hidden: int,
    fixed: Sequence[Fixed] = (),
) -> dict[str, Any]:
    """Return all of it; a finding has `vex` where something has been said about it."""
    return {
        "image": bill.name,
        "digest": bill.digest,
        "data": [{"origin": origin.name, "sha256": origin.sha256} for origin in advisories.origins],
        "packages": len(bill.packages),
        "unimportant_left_out": hidden,
        "findings": [_finding(one) for one in findings],
        "fixed": [
            {"id": one.id, "package": one.package.to_string(), "vex": _vex(one.statement)}
            for one in fixed
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    entry, package = finding.entry, finding.packages[0]
    shown: dict[str, Any] = {
        "id": entry.id,
        "urgency": entry.urgency,
        "status": entry.status,
        "suppressed": finding.suppressed,
        "suite": package.suite,
        "source": package.source,
        "version": package.source_version,
        "fixed_version": finding.fix or None,
        "packages": [one.purl.to_string() for one in finding.packages],
        "scope": entry.scope or None,
        "no_advisory": entry.nodsa or None,
        "bug": entry.bug or None,
        "description": entry.description or None,
    }
    if statement := finding.statement:
        shown["vex"] = _vex(statement)
    return {key: value for key, value in shown.items() if value is not None}


def _vex(statement: Statement) -> dict[str, str]:
    return {"status": statement.status, "reason": statement.why, "where": statement.file}
