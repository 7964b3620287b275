"""Which problems an image is said to have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.attestations.cves import bill, tracker, vex
from tools.attestations.cves.advisory_fixtures import (
    component,
    statement,
    write_bill,
    write_tracker,
    write_vex,
)
from tools.attestations.cves.cves_error import CvesError
from tools.attestations.cves.findings import Finding, find


def found(folder: Path, *statements: dict[str, Any]) -> list[Finding]:
    return find(
        bill.read(write_bill(folder)),
        tracker.load([str(write_tracker(folder))], folder),
        vex.read([write_vex(folder, *statements)]),
    )


def suppressed(folder: Path, *statements: dict[str, Any]) -> set[str]:
    return {one.entry.id for one in found(folder, *statements) if one.suppressed}


def test_versions_and_states_decide(tmp_path: Path) -> None:
    assert [(one.entry.id, one.fix) for one in found(tmp_path)] == [
        ("CVE-2026-1", "1:2.0-3+deb12u1"),
        # No urgency, or one that isn't known here, comes before low.
        ("CVE-2026-5", ""),
        ("TEMP-0000000-ABCDEF", ""),
        ("CVE-2026-6", ""),
        ("CVE-2026-7", ""),
    ]


def test_a_finding_names_all_packages_of_the_source(tmp_path: Path) -> None:
    first = found(tmp_path)[0]
    assert [package.name for package in first.packages] == ["demo-tools", "libdemo1"]
    assert first.entry.bug == 1234
    assert first.entry.description == "Something is wrong."


def test_the_binary_version_counts_for_nothing(tmp_path: Path) -> None:
    # Built again: +b1 makes the binary's version newer than the fixed source version it lacks.
    package = component("demo", "1.0-2+b9", ("demo", "1.0-2"))
    path = write_bill(tmp_path, package)
    release = {"bookworm": {"status": "resolved", "fixed_version": "1.0-2+a1"}}
    data = tracker.load(
        [str(write_tracker(tmp_path, {"demo": {"CVE-1": {"releases": release}}}))], tmp_path
    )
    assert [one.entry.id for one in find(bill.read(path), data, [])] == ["CVE-1"]


def test_data_without_the_suite_are_refused(tmp_path: Path) -> None:
    path = write_bill(tmp_path, component("demo", "1", ("demo", "1"), "trixie"))
    data = tracker.load([str(write_tracker(tmp_path))], tmp_path)
    with pytest.raises(CvesError, match="nothing about the suite trixie"):
        find(bill.read(path), data, [])


@pytest.mark.parametrize(
    "product",
    [
        "pkg:deb/debian/demo?arch=source",
        "pkg:deb/debian/demo@1:2.0-3?arch=source",
    ],
)
def test_a_statement_about_the_source_is_about_all(tmp_path: Path, product: str) -> None:
    assert suppressed(tmp_path, statement("CVE-2026-1", product)) == {"CVE-2026-1"}


def test_a_statement_has_to_cover_every_package(tmp_path: Path) -> None:
    one = "pkg:deb/debian/libdemo1?distro=bookworm"
    other = "pkg:deb/debian/demo-tools"
    assert suppressed(tmp_path, statement("CVE-2026-1", one)) == set()
    assert suppressed(tmp_path, statement("CVE-2026-1", one, other)) == {"CVE-2026-1"}


@pytest.mark.parametrize(
    "product",
    [
        "pkg:deb/debian/demo@1:2.0-2?arch=source",
        "pkg:deb/debian/demo?arch=source&distro=trixie",
        "pkg:deb/ubuntu/demo?arch=source",
        "pkg:deb/debian/dem?arch=source",
        "pkg:oci/python",
    ],
)
def test_a_statement_about_something_else_suppresses_nothing(tmp_path: Path, product: str) -> None:
    assert suppressed(tmp_path, statement("CVE-2026-1", product)) == set()


def test_a_statement_about_packages_of_an_image(tmp_path: Path) -> None:
    said = statement("CVE-2026-1", "pkg:oci/python")
    said["products"][0]["subcomponents"] = [{"@id": "pkg:deb/debian/demo?arch=source"}]
    assert suppressed(tmp_path, said) == {"CVE-2026-1"}
    said["products"][0]["@id"] = "pkg:oci/debian"
    assert suppressed(tmp_path, said) == set()


def test_images_and_packages_of_two_products_are_not_mixed(tmp_path: Path) -> None:
    said = statement("CVE-2026-1", "pkg:oci/python", "pkg:oci/debian")
    said["products"][0]["subcomponents"] = [{"@id": "pkg:deb/debian/quiet"}]
    said["products"][1]["subcomponents"] = [{"@id": "pkg:deb/debian/demo?arch=source"}]
    assert suppressed(tmp_path, said) == set()


def test_the_later_statement_holds(tmp_path: Path) -> None:
    product = "pkg:deb/debian/demo?arch=source"
    late = statement("CVE-2026-1", product) | {"timestamp": "2026-03-01T00:00:00Z"}
    early = statement("CVE-2026-1", product, status="under_investigation")
    assert suppressed(tmp_path, late, early) == {"CVE-2026-1"}
    early["timestamp"] = "2026-04-01T00:00:00Z"
    assert suppressed(tmp_path, late, early) == set()


def test_statuses_that_say_nothing_is_wrong_suppress(tmp_path: Path) -> None:
    product = "pkg:deb/debian/demo?arch=source"
    assert suppressed(tmp_path, statement("CVE-2026-1", product, status="fixed"))
    found_one = found(
        tmp_path,
        statement("CVE-2026-1", product, status="affected", action_statement="Wait."),
    )[0]
    assert not found_one.suppressed
    assert found_one.statement
    assert found_one.statement.why == "Wait."
