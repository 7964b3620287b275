"""Pages say what the published ones said, describe only what they list, and take templates."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tools.catalog import family_load, fixture, results
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Family
from tools.catalog.results import FAILED, PASSED, SKIPPED, Result, Results
from tools.pages.readme.readme import facts as facts_for_programs
from tools.pages.readme.readme import main, page

CATALOG = Path(__file__).parents[3] / "catalog"
TESTDATA = Path(__file__).parent / "testdata"


def facts(text: str) -> str:
    """A page's tags, groups and architectures in the form the expected listings have."""
    simple, shared = text.split("## Simple Tags")[1].split("## Shared Tags")
    lines = [
        "simple " + " ".join(re.findall(r"`([^`]+)`", line))
        for line in simple.splitlines()
        if line.startswith("-\t")
    ]
    for line in shared.split("\n# ")[0].splitlines():
        names = re.findall(r"`([^`]+)`", line)
        if line.startswith("-\t"):
            lines.append("shared " + " ".join(names) + ":")
        elif line.startswith("\t-\t"):
            lines[-1] += " " + names[0]
    found = re.search(r"\*\*Supported architectures\*\*:.*\n\t(.*)", text)
    assert found is not None
    lines.append("architectures " + " ".join(re.findall(r"`([^`]+)`", found[1])))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "name",
    [
        "2019-01",
        "2022-09",
        "2025-10",
        "2026-02",
        "2019-01.windows-amd64",
        "2025-10.i386",
        "2026-02.windows-amd64",
    ],
)
def test_a_page_says_what_the_published_one_said(name: str) -> None:
    family, _, arch = name.partition(".")
    made = page(family_load.load_family(family, CATALOG), arch or None)
    expected = (TESTDATA / f"{name}.txt").read_text().split("\n\n", 1)[1]
    assert facts(made) == expected


def headings(text: str) -> list[str]:
    return re.findall(r"^## `.*?:<version>(.*)`$", text, re.M)


def test_sections_are_those_of_the_variants_on_the_page() -> None:
    family = family_load.load_family("2025-10", CATALOG)
    assert headings(page(family)) == ["", "-slim", "-alpine", "-windowsservercore"]
    assert headings(page(family, "i386")) == ["", "-slim", "-alpine"]
    assert headings(page(family, "windows-amd64")) == ["", "-windowsservercore"]
    assert headings(page(family, "arm32v6")) == ["", "-alpine"]
    assert headings(page(family_load.load_family("current", CATALOG))) == [
        "",
        "-slim",
        "-alpine",
        "-windowsservercore",
    ]


def test_an_architectures_page_uses_its_namespace() -> None:
    family = family_load.load_family("2026-02", CATALOG)
    text = page(family, "winamd64")
    assert "FROM winamd64/python:3\n" in text
    assert "published as `winamd64/python`" in text
    assert page(family, "windows-amd64") == text


def test_infra7s_table_has_what_is_built() -> None:
    text = page(family_load.load_family("infra7-2024-10", CATALOG))
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert rows[0] == ["Python Version →", "3.13", "3.12", "3.11", "3.10", "3.9"]
    assert rows[2] == ["Target ↓ / Release →", "3.13.0", "3.12.7", "3.11.10", "3.10.15", "3.9.20"]
    table = {row[0]: row[1:] for row in rows[3:]}
    assert table["Debian (bookworm)"] == ["&check;"] * 5
    assert list(table) == [
        "Debian (trixie)¹",
        "Debian (bookworm)",
        "Ubuntu (jammy)",
        "Ubuntu (noble)",
    ]
    for tag in ("3.13-bookworm", "3.13.0-bookworm", "3.13", "3.13.0", "latest"):
        assert f"infra7/python:{tag})" in text
    assert "* ``amd64`` → 64-bit x86 (AMD/Intel): amd64, x86_64, x86\n" in text
    assert "* ``arm64`` → 64-bit ARM: arm64, arm64v8, aarch64\n" in text


def cells(text: str) -> dict[str, list[str]]:
    """The rows of a page's table of build status, by their first cell."""
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in text.splitlines()
        if line.startswith("| Debian") or line.startswith("| Ubuntu")
    ]
    return {row[0]: row[1:] for row in rows}


@pytest.fixture(name="infra7")
def _infra7(tmp_path: Path) -> Family:
    return family_load.load_family("infra7", fixture.checkout(tmp_path) / "catalog")


def test_what_nobody_ran_is_unknown(infra7: Family) -> None:
    text = page(infra7)
    assert set(cells(text)) == {
        "Debian (trixie)",
        "Debian (bookworm)",
        "Ubuntu (jammy)",
        "Ubuntu (noble)",
    }
    assert {cell for row in cells(text).values() for cell in row} == {"?"}
    assert "?: unknown, no result is recorded\n" in text


def test_build_status_is_what_is_recorded(infra7: Family) -> None:
    digest = "sha256:" + "0" * 64
    passed, failed = Result(PASSED, 9, 0, digest), Result(FAILED, 8, 0, digest)
    known = Results(
        images={
            "//images/infra7:3.14.7-bookworm": {"amd64": passed, "arm64": passed},
            "//images/infra7:3.13.15-bookworm": {"amd64": passed},
            "//images/infra7:3.14.7-trixie": {"amd64": passed, "arm64": failed},
            "//images/infra7:3.13.15-trixie": {"amd64": Result(SKIPPED, 1, 1, digest)},
            # Another family's, and an older release's.
            "//images:3.14.7-noble": {"amd64": passed},
            "//images/infra7:3.14.6-jammy": {"amd64": passed},
        }
    )
    table = cells(page(infra7, known=known))
    assert table["Debian (bookworm)"] == ["&check;", "&check; amd64, ? arm64"]
    assert table["Debian (trixie)"] == ["&check; amd64, &cross; arm64", "~ amd64, ? arm64"]
    assert table["Ubuntu (noble)"] == table["Ubuntu (jammy)"] == ["?", "?"]
    made: Any = facts_for_programs(infra7, None, known)
    assert made["status"]["bookworm"]["3.13.15"] == {"amd64": "passed", "arm64": None}


def test_the_command_reads_the_results_beside_the_catalog(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fixture.checkout(tmp_path) / "catalog"
    digest = "sha256:" + "0" * 64
    known = Results({"//images/infra7:3.14.7-trixie": {"arm64": Result(PASSED, 9, 0, digest)}})
    (folder / results.FILE).write_text(results.text(known))
    assert main(["infra7", "--catalog", str(folder)]) == 0
    assert "| Debian (trixie)      | ? amd64, &check; arm64 | ?       |" in capsys.readouterr().out
    (folder / results.FILE).write_text("{")
    assert main(["infra7", "--catalog", str(folder)]) == 2
    assert "results.json: not JSON" in capsys.readouterr().err


def test_an_unknown_architecture_lists_near_ones() -> None:
    with pytest.raises(CatalogError, match="did you mean arm32v7"):
        page(family_load.load_family("2025-10", CATALOG), "arm32v8")


def test_a_user_can_bring_a_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.md.j2"
    mine.write_text("{{ image }} has {{ entries | length }} images\n")
    assert main(["2026-02", "--arch", "s390x", "--template", str(mine)]) == 0
    assert capsys.readouterr().out == "s390x/python has 36 images\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("fine\n{% for %}\n", 2, "template error"),
        ("fine\n\n{{ entriez }}\n", 3, "'entriez' is undefined"),
        ("{{ image + 1 }}\n", 1, "template error"),
        ('{% include "other" %}\n', 1, "includes 'other'"),
    ],
)
def test_a_template_error_is_one_line_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: int, words: str
) -> None:
    mine = tmp_path / "mine.md.j2"
    mine.write_text(text)
    assert main(["2026-02", "--template", str(mine)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {mine}:{line}: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err


def test_a_page_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2026-02", "--arch", "winamd64", "--format", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["image"] == "winamd64/python"
    assert made["shared"][2] == {
        "tags": ["3.14.3", "3.14", "3", "latest"],
        "images": ["3.14.3-windowsservercore-ltsc2025", "3.14.3-windowsservercore-ltsc2022"],
    }
    assert len(made["simple"]) == 6
