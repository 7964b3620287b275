"""Reading Alpine's security database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.cves import bill, secdb
from tools.attestations.cves.advisory_fixtures import apk, write_bill, write_secdb
from tools.attestations.cves.cves_error import CvesError
from tools.attestations.cves.findings import find


def affected(folder: Path, version: str, fixes: dict[str, list[str]]) -> list[tuple[str, str]]:
    data = secdb.load([str(write_secdb(folder, "main.json", {"demo": fixes}))], folder)
    path = write_bill(folder, apk("libdemo", version, "demo"))
    return [(one.entry.id, one.fix) for one in find(bill.read(path), data, [])]


@pytest.mark.parametrize(
    ("version", "ids"),
    [
        ("1.9-r9", ["CVE-2026-1", "CVE-2026-2"]),
        ("2.0_rc1-r0", ["CVE-2026-1", "CVE-2026-2"]),
        ("2.0-r0", ["CVE-2026-2"]),
        ("2.0-r10", []),
        ("2.1-r0", []),
    ],
)
def test_what_is_fixed_in_a_newer_version_affects(
    tmp_path: Path, version: str, ids: list[str]
) -> None:
    fixes = {"2.0-r0": ["CVE-2026-1"], "2.0-r10": ["CVE-2026-2"], "0": ["CVE-2026-3"]}
    assert [name for name, _ in affected(tmp_path, version, fixes)] == ids


def test_a_problem_lasts_until_the_last_of_its_fixes(tmp_path: Path) -> None:
    fixes = {"2.0-r3": ["CVE-2026-1 (+ regression fix)"], "2.0-r1": ["CVE-2026-1"]}
    assert affected(tmp_path, "2.0-r2", fixes) == [("CVE-2026-1", "2.0-r3")]


def test_a_line_may_have_several_names_or_none(tmp_path: Path) -> None:
    fixes = {"2-r0": ["CVE-2026-1 XSA-2", "CVE_2026-3", "a fix without a number"]}
    assert [name for name, _ in affected(tmp_path, "1-r0", fixes)] == [
        "CVE-2026-1",
        "CVE-2026-3",
        "XSA-2",
        "a fix without a number",
    ]


def test_another_release_is_refused(tmp_path: Path) -> None:
    main = write_secdb(tmp_path, "main.json", {})
    older = write_secdb(tmp_path, "older.json", {}, release="v3.23")
    with pytest.raises(CvesError, match=r"several releases: alpine-3\.23, alpine-3\.24"):
        secdb.load([str(main), str(older)], tmp_path)
    path = write_bill(tmp_path, apk("demo", "1-r0", "demo"))
    with pytest.raises(CvesError, match=r"is about alpine-3\.23, the image is of alpine-3\.24"):
        find(bill.read(path), secdb.load([str(older)], tmp_path), [])


def test_no_data(tmp_path: Path) -> None:
    with pytest.raises(CvesError, match="nothing to compare"):
        secdb.load([], tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"distroversion": "v3.24"},
        {"distroversion": "v3.24", "packages": [{"pkg": {"name": "demo"}}]},
        {
            "distroversion": "v3.24",
            "packages": [{"pkg": {"name": "demo", "secfixes": {"new": ["CVE-1"]}}}],
        },
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any) -> None:
    (tmp_path / "data").write_text(json.dumps(content))
    with pytest.raises(CvesError, match=r"data: is not Alpine's security database"):
        secdb.load(["data"], tmp_path)
