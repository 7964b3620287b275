"""Tests of report.py."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tools.structure_test import report


def entry(name: str, *errors: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Pass": not errors, "Errors": list(errors), "Duration": 10**9, **more}


TOKEN = "0123456789abcdef"
SKIP = f'Error creating container: API error (501): {{"message":"{TOKEN}"}}'
SKIPS = {"fedcba": "another", TOKEN: 'no "emulator"'}
DOCUMENT = json.dumps({"Results": [entry("a"), entry("b", "no"), entry("c", SKIP)]})


def test_three_outcomes() -> None:
    results = report.parse(DOCUMENT, SKIPS)
    assert [r.outcome for r in results] == [report.PASSED, report.FAILED, report.SKIPPED]
    assert results[2].details == ['no "emulator"']
    assert report.summary("image", results) == (
        'image: 1 passed, 1 failed, 1 skipped\nSKIPPED 1 of 3 tests: no "emulator"'
    )


def test_a_skip_among_errors_is_a_failure() -> None:
    (result,) = report.parse(json.dumps({"Results": [entry("x", SKIP, "and wrong")]}), SKIPS)
    assert result.outcome == report.FAILED


def test_only_a_token_of_the_engine_is_a_skip() -> None:
    """Text in an error may be the image's."""
    for text in ('API error (501): {"message":"SKIPPED: hi"}', "SKIPPED: hi", "0123456789abcde"):
        (result,) = report.parse(json.dumps({"Results": [entry("x", text)]}), SKIPS)
        assert result.outcome == report.FAILED


def test_no_line_of_foreign_text_begins_like_ours() -> None:
    text = "a\rSKIPPED b\x0bSKIPPED c\u2028SKIPPED d\n\x1b[2JSKIPPED e\x9b1m"
    document = {"Results": [entry(text, text, Stdout=text)]}
    shown = report.text(report.parse(json.dumps(document), {})) + "\n" + report.messages(text)
    assert not [line for line in shown.splitlines() if line.startswith("SKIPPED")]
    assert not [c for c in shown if c != "\n" and not c.isprintable()]


def test_a_pass_with_errors_is_a_failure() -> None:
    (result,) = report.parse(json.dumps({"Results": [entry("x", "odd", Pass=True)]}), SKIPS)
    assert result.outcome == report.FAILED


def test_output_of_failures_is_shown() -> None:
    document = {"Results": [entry("x", "bad", Stdout="out", Stderr="err\x00")]}
    shown = report.text(report.parse(json.dumps(document), {}))
    assert "failed  x (1.00 s)" in shown
    assert "stdout: out" in shown


def test_bazel_gets_the_xml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XML_OUTPUT_FILE", str(tmp_path / "test.xml"))
    report.publish("image", "sha256:12", report.parse(DOCUMENT, SKIPS))
    suite = ElementTree.parse(tmp_path / "test.xml").getroot()[0]
    assert suite.attrib["skipped"] == "1"
    cases = suite.iter("testcase")
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["skipped"]]
    assert [(p.get("name"), p.get("value")) for p in suite.iter("property")] == [
        ("image", "sha256:12")
    ]
