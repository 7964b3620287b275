"""Sum up `bazel test` runs out of their build event files: summary.py EVENTS.json...

Prints each test that failed, each target that could not be analysed or built, and each line a test
began with `SKIPPED`, then one closing line with the numbers. Exits 1 when anything failed or no
test passed. Standard library only: it runs outside Bazel.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree


@dataclass
class Summary:
    """What the tests of one or more runs ended with."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def events(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the events of one file; the last line of a killed run may be cut off."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def skip_lines(log: Path) -> list[str]:
    """Return the reasons a test's log gives for what it left out."""
    if not log.is_file():
        return []
    text = log.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.startswith("SKIPPED")]


def ran_nothing(reports: list[Path]) -> bool:
    """Whether a test's JUnit files have cases, and each of them was skipped."""
    cases: list[ElementTree.Element] = []
    for report in reports:
        try:
            root = ElementTree.parse(report).getroot()  # noqa: S314 - our own tests wrote it
            cases += root.iter("testcase")
        except (OSError, ElementTree.ParseError):
            return False
    return bool(cases) and all(case.find("skipped") is not None for case in cases)


def summarise(files: Iterable[Path]) -> Summary:
    """Read the event files; a test that only skipped counts as skipped, not as passed."""
    summary = Summary()
    for file in files:
        outputs: dict[tuple[str, str], list[Path]] = {}
        # Targets that ended without being built, and why; a test among them may never be summed up.
        unbuilt: dict[str, str] = {}
        for event in events(file):
            identity = event.get("id", {})
            if "testResult" in identity:
                label = identity["testResult"]["label"]
                for output in event.get("testResult", {}).get("testActionOutput", []):
                    path = Path(unquote(urlparse(output["uri"]).path))
                    outputs.setdefault((label, output["name"]), []).append(path)
            elif "testSummary" in identity:
                label = identity["testSummary"]["label"]
                status = event.get("testSummary", {}).get("overallStatus", "NO_STATUS")
                logs = outputs.get((label, "test.log"), [])
                reasons = [line for log in logs for line in skip_lines(log)]
                summary.skipped += [f"{label}: {reason}" for reason in reasons]
                if status not in ("PASSED", "FLAKY"):
                    summary.failed.append(f"{label}: {status}")
                elif not ran_nothing(outputs.get((label, "test.xml"), [])):
                    summary.passed.append(label)
                elif not reasons:
                    summary.skipped.append(f"{label}: SKIPPED, no reason given")
                unbuilt.pop(label, None)
            elif target := identity.get("targetConfigured") or identity.get("targetCompleted"):
                if reason := event.get("aborted", {}).get("reason"):
                    unbuilt[target["label"]] = reason
                elif "completed" in event and not event["completed"].get("success"):
                    unbuilt[target["label"]] = "NOT_BUILT"
        for label, reason in unbuilt.items():
            if reason == "SKIPPED":
                summary.skipped.append(f"{label}: SKIPPED, what it needs isn't here")
            else:
                summary.failed.append(f"{label}: {reason}")
    return summary


def main() -> int:
    """Print the summary of the event files given as arguments."""
    summary = summarise(Path(name) for name in sys.argv[1:])
    for line in summary.skipped + summary.failed:
        print(line)
    print(
        f"{len(summary.passed)} passed, {len(summary.failed)} failed, "
        f"{len(summary.skipped)} skipped"
    )
    return 1 if summary.failed or not summary.passed else 0


if __name__ == "__main__":
    sys.exit(main())
