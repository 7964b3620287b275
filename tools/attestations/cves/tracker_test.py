"""Reading the tracker's data, and refusing what isn't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.attestations.cves import tracker
from tools.attestations.cves.advisory_fixtures import problem, write_tracker
from tools.attestations.cves.cves_error import CvesError


@pytest.mark.parametrize("content", [b"{}", b"[1]", b'{"demo": {"CVE-1": {}}}'])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(CvesError, match=r"(?s)data: is not the tracker's.*--data FILE"):
        tracker.load(["data"], tmp_path)


@pytest.mark.parametrize("origins", [[], ["one.json", "two.json"]])
def test_they_are_one_document(tmp_path: Path, origins: list[str]) -> None:
    with pytest.raises(CvesError, match="are one document"):
        tracker.load(origins, tmp_path)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (problem("fixed"), "the status in bookworm is 'fixed'"),
        (problem("resolved"), "resolved in bookworm without a version"),
    ],
)
def test_what_is_not_understood_is_not_passed_over(
    tmp_path: Path, said: dict[str, Any], why: str
) -> None:
    data = tracker.load([str(write_tracker(tmp_path, {"demo": {"CVE-1": said}}))], tmp_path)
    with pytest.raises(CvesError, match=why):
        data.entries("demo", "bookworm")
