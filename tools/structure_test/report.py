"""Turns container-structure-test's JSON report into what people and Bazel read.

Three outcomes, never mixed: passed, failed, and SKIPPED, which is a test that this host can't run:
each of its errors has a token of the engine's notes (channel.py). Text that comes from the image
is indented and has no control characters, so that no line of it is taken for one of ours.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PASSED, FAILED, SKIPPED = "PASSED", "FAILED", "SKIPPED"
_SHOWN = 1000  # characters of a failed test's output that are printed, from either end


@dataclass(frozen=True)
class Result:
    """One test's outcome; `details` are the errors, or the reason for skipping."""

    name: str
    outcome: str
    seconds: float
    details: list[str]
    stdout: str = ""
    stderr: str = ""


def parse(report: str, skips: Mapping[str, str]) -> list[Result]:
    """The results in a JSON report; `skips` are the engine's tokens, each with its reason.

    ValueError if it is none.
    """
    document = json.loads(report)
    results = []
    for entry in document.get("Results") or []:
        errors: list[str] = entry.get("Errors") or []
        reasons = [
            next((reason for token, reason in skips.items() if token in error), None)
            for error in errors
        ]
        if entry["Pass"] and not errors:
            outcome, details = PASSED, []
        elif errors and all(reason is not None for reason in reasons):
            outcome, details = SKIPPED, [reason for reason in reasons if reason is not None]
        else:
            outcome, details = FAILED, errors or ["no reason given"]
        results.append(
            Result(
                name=entry["Name"] or "(configuration)",
                outcome=outcome,
                seconds=entry.get("Duration", 0) / 1e9,
                details=details,
                stdout=entry.get("Stdout", ""),
                stderr=entry.get("Stderr", ""),
            )
        )
    return results


def summary(subject: str, results: list[Result]) -> str:
    """How many tests ended in which way; what was skipped, in the form .ci/run looks for.

    That is a line that begins with SKIPPED (tools/testing/summary.py).
    """
    count = {kind: sum(r.outcome == kind for r in results) for kind in (PASSED, FAILED, SKIPPED)}
    line = f"{subject}: {count[PASSED]} passed, {count[FAILED]} failed, {count[SKIPPED]} skipped"
    if count[SKIPPED]:
        reasons = sorted({detail for r in results if r.outcome == SKIPPED for detail in r.details})
        line += f"\nSKIPPED {count[SKIPPED]} of {len(results)} tests: {'; '.join(reasons)}"
    return line


def text(results: list[Result]) -> str:
    """One line per test; errors and output below those that failed."""
    lines = []
    for result in results:
        name = _printable(result.name.replace("\n", " "))
        lines.append(f"  {result.outcome.lower():7} {name} ({result.seconds:.2f} s)")
        if result.outcome != PASSED:
            lines.extend(_indented("", "\n".join(result.details)))
        if result.outcome == FAILED:
            for name, output in (("stdout: ", result.stdout), ("stderr: ", result.stderr)):
                if output and not any(output in detail for detail in result.details):
                    lines.extend(_indented(name, output))
    return "\n".join(lines)


def _indented(prefix: str, output: str) -> list[str]:
    if len(output) > 2 * _SHOWN:
        output = f"{output[:_SHOWN]}\n[...]\n{output[-_SHOWN:]}"
    return [f"          {prefix}{_printable(line)}" for line in output.splitlines()]


def messages(text: str) -> str:
    """What container-structure-test said besides its report, for people."""
    lines = [line for line in text.splitlines() if not line.endswith("level=fatal msg=FAIL")]
    return "\n".join(_indented("", "\n".join(lines)))


def junit(subject: str, digest: str, results: list[Result]) -> bytes:
    """A JUnit document with `skipped` and `failure` elements, as CI systems show them.

    Its property `image` is the digest of the image's manifest: tools/matrix reads there which image
    the results are of.
    """
    counts: dict[str, Any] = {
        "name": subject,
        "tests": str(len(results)),
        "failures": str(sum(r.outcome == FAILED for r in results)),
        "skipped": str(sum(r.outcome == SKIPPED for r in results)),
        "time": f"{sum(r.seconds for r in results):.3f}",
    }
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(suites, "testsuite", counts)
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", {"name": "image", "value": digest})
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {"classname": subject, "name": result.name, "time": f"{result.seconds:.3f}"},
        )
        if result.outcome != PASSED:
            kind = "failure" if result.outcome == FAILED else "skipped"
            node = ElementTree.SubElement(case, kind, {"message": _printable(result.details[0])})
            node.text = _printable("\n".join(result.details))
    return bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True))


def _printable(value: str) -> str:
    """Without control characters, which XML cannot hold and terminals obey."""
    return "".join(c for c in value if c in "\t\n" or (c >= " " and c.isprintable()))


def publish(subject: str, digest: str, results: list[Result]) -> None:
    """Leave a JUnit file where Bazel's test environment says: it becomes the target's test.xml."""
    xml = os.environ.get("XML_OUTPUT_FILE")
    if xml:
        Path(xml).write_bytes(junit(subject, digest, results))
