"""Tests of tools/testing/summary.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.testing.summary import EventError, summarise


def write_events(path: Path, *events: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def result(label: str, log: Path) -> dict[str, Any]:
    return {
        "id": {"testResult": {"label": label}},
        "testResult": {"testActionOutput": [{"name": "test.log", "uri": log.as_uri()}]},
    }


def ended(label: str, status: str) -> dict[str, Any]:
    return {"id": {"testSummary": {"label": label}}, "testSummary": {"overallStatus": status}}


def test_passed_failed_and_skipped_are_told_apart(tmp_path: Path) -> None:
    log = tmp_path / "a log"
    log.write_text("..\nSKIPPED: no root here\n")
    file = write_events(
        tmp_path / "events",
        result("//a", log),
        ended("//a", "PASSED"),
        ended("//b", "FAILED"),
        ended("//c", "TIMEOUT"),
    )
    summary = summarise([file])
    assert summary.passed == ["//a"]
    assert summary.failed == ["//b: FAILED", "//c: TIMEOUT"]
    assert summary.skipped == ["//a: SKIPPED: no root here"]


@pytest.mark.parametrize("name", ["/nowhere", "/" + "long" * 2000, "/a%00b", "/"])
def test_log_that_cannot_be_read_skips_nothing(tmp_path: Path, name: str) -> None:
    told = result("//a", tmp_path)
    outputs = [{"name": kind, "uri": f"file://{name}"} for kind in ("test.log", "test.xml")]
    told["testResult"]["testActionOutput"] = outputs
    summary = summarise([write_events(tmp_path / "events", told, ended("//a", "PASSED"))])
    assert summary.passed == ["//a"]
    assert not summary.skipped


def test_what_only_skipped_has_not_passed(tmp_path: Path) -> None:
    skip, run = "<testcase><skipped/></testcase>", "<testcase/>"
    reports = {"//all": skip + skip, "//some": skip + run, "//none": run, "//empty": ""}
    told = []
    for label, cases in reports.items():
        report = tmp_path / (label[2:] + ".xml")
        report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
        output = {"name": "test.xml", "uri": report.as_uri()}
        told.append(
            {
                "id": {"testResult": {"label": label}},
                "testResult": {"testActionOutput": [output]},
            }
        )
        told.append(ended(label, "PASSED"))
    summary = summarise([write_events(tmp_path / "events", *told)])
    assert summary.passed == ["//some", "//none", "//empty"]
    assert summary.skipped == ["//all: SKIPPED, no reason given"]


def test_a_cut_off_file_counts_up_to_the_cut(tmp_path: Path) -> None:
    file = write_events(tmp_path / "events", ended("//a", "PASSED"))
    file.write_text(file.read_text() + '{"id": {"testSumm')
    assert summarise([file]).passed == ["//a"]


def test_what_was_not_built_is_told(tmp_path: Path) -> None:
    def target(kind: str, label: str, **event: Any) -> dict[str, Any]:
        return {"id": {kind: {"label": label}}, **event}

    file = write_events(
        tmp_path / "events",
        target("targetConfigured", "//a", configured={}),
        target("targetCompleted", "//a", completed={"success": True}),
        target("targetConfigured", "//wrong", aborted={"reason": "ANALYSIS_FAILURE"}),
        target("targetCompleted", "//elsewhere", aborted={"reason": "SKIPPED"}),
        target("targetCompleted", "//broken", completed={}),
        target("targetCompleted", "//test", completed={}),
        ended("//test", "FAILED_TO_BUILD"),
    )
    summary = summarise([file])
    assert summary.failed == [
        "//test: FAILED_TO_BUILD",
        "//wrong: ANALYSIS_FAILURE",
        "//broken: NOT_BUILT",
    ]
    assert summary.skipped == ["//elsewhere: SKIPPED, what it needs isn't here"]


def test_a_killed_run_ends_in_the_middle_of_a_line(tmp_path: Path) -> None:
    file = write_events(tmp_path / "events", ended("//a", "PASSED"))
    file.write_text(file.read_text() + '{"id": {"testSum')
    assert summarise([file]).passed == ["//a"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a build event"),
        ('{"id": {}}', "not a build event"),
        ('{"id": {"testSummary": {"label": 3}}}', "not a build event"),
        ('{"id": {"testResult": {}}, "testResult": {"testActionOutput": {}}}', "not a build event"),
    ],
)
def test_what_is_no_build_event_is_one_error(tmp_path: Path, line: str, why: str) -> None:
    file = write_events(tmp_path / "events", ended("//a", "PASSED"))
    file.write_text(f"{line}\n{file.read_text()}")
    with pytest.raises(EventError, match=f"events:1: {why}"):
        summarise([file])
