"""OpenVEX documents: what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.cves import vex
from tools.attestations.cves.advisory_fixtures import statement, write_vex
from tools.attestations.cves.cves_error import CvesError

PRODUCT = "pkg:deb/debian/demo"


def test_aliases_and_reasons_are_read(tmp_path: Path) -> None:
    said = statement(
        "CVE-1",
        PRODUCT,
        justification="vulnerable_code_not_present",
        impact_statement="It is not compiled.",
    )
    said["vulnerability"]["aliases"] = ["GHSA-1"]
    (one,) = vex.read([write_vex(tmp_path, said)])
    assert one.ids == {"CVE-1", "GHSA-1"}
    assert one.why == "vulnerable_code_not_present: It is not compiled."
    assert one.file.endswith("vex.json: statement 1")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (statement("CVE-1", PRODUCT, status="harmless"), "status 'harmless'"),
        (
            statement("CVE-1", PRODUCT, justification="because"),
            "justification 'because'.*component_not_present",
        ),
        (statement("CVE-1", PRODUCT, comment="x"), "not_affected without a reason"),
        (statement("CVE-1", PRODUCT, status="affected"), "affected without a reason"),
        (statement("CVE-1"), "names no product"),
        (statement("CVE-1", "demo"), "Name products by package URLs"),
        ({"status": "fixed"}, "is no OpenVEX document"),
        (statement("CVE-1", PRODUCT, status="fixed", timestamp="zzz"), "timestamp 'zzz'"),
        (
            statement("CVE-1", PRODUCT, status="fixed", timestamp="2026-01-01T00:00:00"),
            "it has no time zone",
        ),
        (
            statement("CVE-1", PRODUCT, status="fixed", timestamp="0001-01-01T00:00:00+14:00"),
            "timestamp '0001",
        ),
    ],
)
def test_wrong_statements_are_refused(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    path = write_vex(tmp_path, statement("CVE-0", PRODUCT), said)
    with pytest.raises(CvesError, match=f"(?s)vex.json.*{why}"):
        vex.read([path])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"@context": "https://example.org", "statements": []})]
)
def test_other_documents_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vex.json").write_text(text)
    with pytest.raises(CvesError, match="is no OpenVEX document"):
        vex.read([tmp_path / "vex.json"])


def test_times_are_compared_as_times(tmp_path: Path) -> None:
    later = statement("CVE-1", PRODUCT, timestamp="2026-03-01T01:00:00-05:00", comment="x") | {
        "justification": "component_not_present"
    }
    earlier = statement("CVE-1", PRODUCT, status="fixed", timestamp="2026-03-01T05:00:00+01:00")
    read = vex.read([write_vex(tmp_path, later, earlier)])
    assert [one.status for one in read] == ["fixed", "not_affected"]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"@context": 1, "@context": 2}', "\x00"])
def test_odd_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vex.json").write_text(text)
    with pytest.raises(CvesError, match="is no OpenVEX document"):
        vex.read([tmp_path / "vex.json"])


def test_the_repositorys_own_statements_are_right() -> None:
    vex.read([Path("catalog/vex.json")])
