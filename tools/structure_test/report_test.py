"""Tests of report.py."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tools.structure_test import report


def entry(name: str, *errors: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Pass": not errors, "Errors": list(errors), "Duration": 10**9, **more}


SKIP = 'Error creating container: API error (501): {"message":"SKIPPED: no \\"emulator\\""}'
DOCUMENT = json.dumps({"Results": [entry("a"), entry("b", "no"), entry("c", SKIP)]})


def test_three_outcomes() -> None:
    results = report.parse(DOCUMENT)
    assert [r.outcome for r in results] == [report.PASSED, report.FAILED, report.SKIPPED]
    assert results[2].details == ['no "emulator"']
    assert report.summary("image", results) == (
        'image: 1 passed, 1 failed, 1 skipped\nSKIPPED 1 of 3 tests: no "emulator"'
    )


def test_a_skip_among_errors_is_a_failure() -> None:
    (result,) = report.parse(json.dumps({"Results": [entry("x", SKIP, "and wrong")]}))
    assert result.outcome == report.FAILED


def test_a_pass_with_errors_is_a_failure() -> None:
    (result,) = report.parse(json.dumps({"Results": [entry("x", "odd", Pass=True)]}))
    assert result.outcome == report.FAILED


def test_output_of_failures_is_shown() -> None:
    document = {"Results": [entry("x", "bad", Stdout="out", Stderr="err\x00")]}
    shown = report.text(report.parse(json.dumps(document)))
    assert "failed  x (1.00 s)" in shown
    assert "stdout: out" in shown


def test_bazel_gets_the_xml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XML_OUTPUT_FILE", str(tmp_path / "test.xml"))
    report.publish("image", "sha256:12", report.parse(DOCUMENT))
    suite = ElementTree.parse(tmp_path / "test.xml").getroot()[0]
    assert suite.attrib["skipped"] == "1"
    cases = suite.iter("testcase")
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["skipped"]]
    assert [(p.get("name"), p.get("value")) for p in suite.iter("property")] == [
        ("image", "sha256:12")
    ]
