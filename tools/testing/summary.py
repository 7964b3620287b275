"""Sum up `bazel test` runs from their build event files: summary.py EVENTS.json...

Prints each test that failed, each target that could not be analysed or built, and each line a test
began with `SKIPPED`, then one closing line with the numbers. Exits 1 when anything failed or no
test passed, and 2 when a file isn't a build event file. Standard library only: it runs outside
Bazel.
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


class EventError(ValueError):
    """A file that isn't what Bazel's --build_event_json_file writes."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


# Of Bazel's build_event_stream.proto, what is read here and by tools/matrix. "*" is any key.
_LABELLED = {"*": {"label": str}}
_EVENT = {
    "id": _LABELLED,
    "children": [_LABELLED],
    "aborted": {"reason": str, "description": str},
    "action": {
        "label": str,
        "type": str,
        "stderr": {"uri": str},
        "failureDetail": {"message": str},
    },
    "completed": {},
    "testResult": {"testActionOutput": [{"name": str, "uri": str}]},
    "testSummary": {"overallStatus": str},
}


def _fits(value: object, shape: object) -> bool:
    """Whether a value of JSON has that shape: a type, [shape of each item] or {key: shape}."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return False
        return all(
            _fits(item, shape.get(key, shape.get("*", object))) for key, item in value.items()
        )
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    return isinstance(value, shape) if isinstance(shape, type) else False


def events(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the events of one file; the last line of a killed run may be cut off.

    Each has an `id` of at least one key, and what is read of it has the type it should have.

    Raises:
        EventError: a line isn't such an event.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                return
            raise EventError(path, number, f"not JSON: {error}") from None
        if not _fits(event, _EVENT) or not event.get("id"):
            raise EventError(path, number, "not a build event")
        yield event


def file_of(uri: str) -> Path:
    """The file that a file:// URI of an event names; what is no such URI names no file."""
    try:
        return Path(unquote(urlparse(uri).path))
    except ValueError:
        return Path()


def text_of(file: Path) -> str:
    """The text of a file that an event names; "" if there is none, or no file can have the name."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def skip_lines(log: Path) -> list[str]:
    """Return the reasons a test's log gives for what it left out."""
    return [line for line in text_of(log).splitlines() if line.startswith("SKIPPED")]


def ran_nothing(reports: list[Path]) -> bool:
    """Whether a test's JUnit files have cases, and each of them was skipped."""
    cases: list[ElementTree.Element] = []
    for report in reports:
        try:
            root = ElementTree.parse(report).getroot()  # noqa: S314 - our own tests wrote it
            cases += root.iter("testcase")
        except (OSError, ValueError, ElementTree.ParseError):
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
                label = identity["testResult"].get("label", "")
                for output in event.get("testResult", {}).get("testActionOutput", []):
                    path = file_of(output.get("uri", ""))
                    outputs.setdefault((label, output.get("name", "")), []).append(path)
            elif "testSummary" in identity:
                label = identity["testSummary"].get("label", "")
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
                    unbuilt[target.get("label", "")] = reason
                elif "completed" in event and not event["completed"].get("success"):
                    unbuilt[target.get("label", "")] = "NOT_BUILT"
        for label, reason in unbuilt.items():
            if reason == "SKIPPED":
                summary.skipped.append(f"{label}: SKIPPED, what it needs isn't here")
            else:
                summary.failed.append(f"{label}: {reason}")
    return summary


def main() -> int:
    """Print the summary of the event files given as arguments."""
    try:
        summary = summarise(Path(name) for name in sys.argv[1:])
    except (EventError, OSError) as error:
        print(f"summary: {error}", file=sys.stderr)
        return 2
    for line in summary.skipped + summary.failed:
        print(line)
    print(
        f"{len(summary.passed)} passed, {len(summary.failed)} failed, "
        f"{len(summary.skipped)} skipped"
    )
    return 1 if summary.failed or not summary.passed else 0


if __name__ == "__main__":
    sys.exit(main())
