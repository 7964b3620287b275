"""OpenVEX documents: what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.cves import vex
from tools.cves.errors import CvesError
from tools.cves.fixtures import statement, write_vex

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


def test_the_repositorys_own_statements_are_right() -> None:
    vex.read([Path("catalog/vex.json")])
