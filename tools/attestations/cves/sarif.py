"""The findings as SARIF 2.1.0, the format that code hosts show as alerts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.attestations.cves.bill import Bill
from tools.attestations.cves.cves_error import CvesError
from tools.attestations.cves.findings import Finding
from tools.attestations.sbom.model import TOOL
from tools.text import quote

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"high": "error", "low": "note", "unimportant": "note"}


def lines_of(lock: Path | None) -> dict[str, int]:
    """Return the line of each package in a lock file, from 1 on; nothing without a file."""
    if lock is None:
        return {}
    found: dict[str, int] = {}
    try:
        text = lock.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CvesError(lock, f"is no lock: {error}", "Give the image's lock.") from None
    for number, line in enumerate(text.split("\n"), 1):
        found.setdefault(line.partition(" ")[0], number)
    return found


def document(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the document of some images' runs."""
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": list(runs)}


def run(
    bill: Bill, findings: Sequence[Finding], lock: str, lines: Mapping[str, int]
) -> dict[str, Any]:
    """Return what the document has of an image.

    Args:
        bill: the image.
        findings: suppressed ones are marked so.
        lock: the path, from the repository's root, of the lock file that alerts are shown in; where
            it is empty they are in the packages' database, in the image.
        lines: the line of each package in it.
    """
    rules: dict[str, dict[str, Any]] = {}
    for one in findings:
        rules.setdefault(one.entry.id, _rule(one))
    order = {name: number for number, name in enumerate(sorted(rules))}
    return {
        "tool": {"driver": {"name": f"{TOOL}-cves", "rules": [rules[name] for name in order]}},
        # Runs of one category replace one another, those of other images stay.
        "automationDetails": {"id": f"{bill.name}/"},
        "results": [_result(bill, one, order[one.entry.id], lock, lines) for one in findings],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    entry = finding.entry
    return {
        "id": entry.id,
        "shortDescription": {"text": quote.sarif(f"{entry.id} in {finding.packages[0].source}")},
        "fullDescription": {"text": quote.sarif(entry.description or entry.id)},
        "defaultConfiguration": {"level": _LEVELS.get(entry.urgency, "warning")},
        "properties": {"tags": ["security", entry.urgency]},
    }


def _result(
    bill: Bill, finding: Finding, rule: int, lock: str, lines: Mapping[str, int]
) -> dict[str, Any]:
    entry, package = finding.entry, finding.packages[0]
    names = " ".join(one.name for one in finding.packages)
    remedy = (
        f"fixed in {finding.fix}: lock newer packages"
        if finding.fix
        else f"{package.suite} has no fix" + (f" ({entry.nodsa})" if entry.nodsa else "")
    )
    line = min((lines[one.name] for one in finding.packages if one.name in lines), default=0)
    location: dict[str, Any] = {
        "artifactLocation": {"uri": lock if line else bill.distribution.database}
    }
    location["region"] = {"startLine": line or 1}
    identity = f"{bill.name} {package.suite} {package.source} {entry.id}"
    result: dict[str, Any] = {
        "ruleId": entry.id,
        "ruleIndex": rule,
        "level": _LEVELS.get(entry.urgency, "warning"),
        "message": {
            "text": quote.sarif(
                f"{entry.id} ({entry.urgency}) in {package.source} {package.source_version}"
                f" of {bill.name}, packages {names}: {remedy}"
            )
        },
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"cve/v1": hashlib.sha256(identity.encode()).hexdigest()},
    }
    # An empty list says that suppressions are known, and that there are none.
    result["suppressions"] = []
    if finding.suppressed and finding.statement:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": f"{finding.statement.why} ({finding.statement.file})",
            }
        ]
    return result
