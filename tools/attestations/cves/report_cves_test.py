"""The command line and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.cves import report_cves
from tools.attestations.cves.advisory_fixtures import (
    DIGEST,
    apk,
    statement,
    write_bill,
    write_secdb,
    write_tracker,
    write_vex,
)

SOURCE = "pkg:deb/debian/demo?arch=source"


def run(folder: Path, *words: str, vex: tuple[dict[str, Any], ...] = ()) -> int:
    return report_cves.main(
        [
            f"--bill={write_bill(folder)}",
            f"--vex={write_vex(folder, *vex)}",
            f"--data={write_tracker(folder)}",
            f"--folder={folder}",
            *words,
        ]
    )


def test_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, vex=(statement("CVE-2026-6", SOURCE),)) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:6] == [
        "URGENCY CVE SOURCE VERSION FIXED IN PACKAGES",
        "high CVE-2026-1 demo 1:2.0-3 1:2.0-3+deb12u1 demo-tools libdemo1",
        "not yet assigned CVE-2026-5 demo 1:2.0-3 (no advisory) demo-tools libdemo1",
        "end-of-life TEMP-0000000-ABCDEF demo 1:2.0-3 demo-tools libdemo1",
        "",
        f"//images:demo_amd64 {DIGEST}",
    ]
    assert lines[6] == "3 Debian packages, 3 vulnerabilities: 1 high, 2 not yet assigned"
    assert lines[7] == (
        "1 fixed in newer packages of the suite; 1 suppressed; 1 unimportant left out"
    )


def test_what_a_patch_fixes_is_reported_fixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As openvex.py writes it; statements about other images and releases don't count."""
    cpython = {"@id": "pkg:generic/cpython@3.13.99"}
    image = f"pkg:oci/python@{DIGEST}?arch=amd64"
    said = {
        "vulnerability": {"name": "CVE-2026-1234"},
        "products": [{"@id": image, "subcomponents": [cpython]}],
        "status": "fixed",
        "status_notes": "cpython 3.13.99 is patched: patches/fix.patch",
    }
    other = said | {"products": [{"@id": image.replace("5", "6"), "subcomponents": [cpython]}]}
    older = said | {"products": [{"@id": "pkg:generic/cpython@3.13.1"}]}
    assert run(tmp_path, vex=(said, other, older)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "fixed:" in line] == [
        "fixed: CVE-2026-1234 in cpython 3.13.99"
    ]
    assert run(tmp_path, "--format=json", vex=(said, other, older)) == 0
    (told,) = json.loads(capsys.readouterr().out)["fixed"]
    assert (told["id"], told["package"]) == ("CVE-2026-1234", cpython["@id"])
    assert told["vex"]["status"] == "fixed"
    assert told["vex"]["reason"] == said["status_notes"]
    # Without the image's own document nothing is said.
    assert run(tmp_path, "--format=json", vex=(other, older)) == 0
    assert json.loads(capsys.readouterr().out)["fixed"] == []


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = statement("CVE-2026-5", SOURCE)
    assert run(tmp_path, "--format=json", "--unimportant", vex=(said,)) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["image"], told["digest"]) == ("//images:demo_amd64", DIGEST)
    assert [len(origin["sha256"]) for origin in told["data"]] == [64]
    first, second, *_ = told["findings"]
    assert first == {
        "id": "CVE-2026-1",
        "urgency": "high",
        "status": "resolved",
        "suppressed": False,
        "suite": "bookworm",
        "source": "demo",
        "version": "1:2.0-3",
        "fixed_version": "1:2.0-3+deb12u1",
        "packages": [
            f"pkg:deb/debian/{name}@1:2.0-3%2Bb1?arch=amd64&distro=bookworm"
            for name in ("demo-tools", "libdemo1")
        ],
        "scope": "remote",
        "bug": 1234,
        "description": "Something is wrong.",
    }
    assert second["suppressed"]
    assert second["vex"]["reason"] == "vulnerable_code_not_present"
    assert second["no_advisory"] == "postponed, Minor issue"
    assert [one["urgency"] for one in told["findings"]][-1] == "unimportant"


def test_sarif(tmp_path: Path) -> None:
    lock = tmp_path / "bookworm_amd64.lock"
    lock.write_text("suite bookworm\narch amd64\ncurl 1 …\nlibdemo1 1 …\n")
    words = (f"--lock={lock}", "--lock-name=third_party/debian/bookworm_amd64.lock")
    said = statement("CVE-2026-5", SOURCE)
    assert run(tmp_path, "--format=sarif", "--output=out.sarif", *words, vex=(said,)) == 0
    document = json.loads((tmp_path / "out.sarif").read_text())
    assert document["version"] == "2.1.0"
    (one_run,) = document["runs"]
    rules = one_run["tool"]["driver"]["rules"]
    results = {result["ruleId"]: result for result in one_run["results"]}
    assert len(results) == len(rules) == 4
    for name, result in results.items():
        assert rules[result["ruleIndex"]]["id"] == name
        assert result["message"]["text"].startswith(name)
    first = results["CVE-2026-1"]
    assert first["level"] == "error"
    assert first["suppressions"] == []
    assert "fixed in 1:2.0-3+deb12u1" in first["message"]["text"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "third_party/debian/bookworm_amd64.lock"},
        "region": {"startLine": 4},
    }
    (suppression,) = results["CVE-2026-5"]["suppressions"]
    assert suppression["status"] == "accepted"
    assert "vulnerable_code_not_present" in suppression["justification"]
    fingerprints = {result["partialFingerprints"]["cve/v1"] for result in results.values()}
    assert len(fingerprints) == len(results)


def test_several_images_are_reported_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of an index: each in its own lock, data read once."""
    bill = write_bill(tmp_path)
    other = tmp_path / "other.cdx.json"
    other.write_text(bill.read_text().replace("demo_amd64", "demo_arm64"))
    lock = tmp_path / "arm64.lock"
    lock.write_text("suite bookworm\nlibdemo1 1 …\n")
    words = [f"--bill={bill}", "--lock=", "--lock-name=", f"--bill={other}", f"--lock={lock}"]
    words += ["--lock-name=arm64.lock", f"--data={write_tracker(tmp_path)}", f"--folder={tmp_path}"]
    assert report_cves.main(words) == 0
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if DIGEST in line] == [
        f"//images:demo_{name} {DIGEST}" for name in ("amd64", "arm64")
    ]
    assert report_cves.main([*words, "--format=json"]) == 0
    images = [one["image"] for one in json.loads(capsys.readouterr().out)]
    assert images == ["//images:demo_amd64", "//images:demo_arm64"]
    assert report_cves.main([*words, "--format=sarif", "--fail-on=high"]) == 1
    runs = json.loads(capsys.readouterr().out)["runs"]
    places = [
        {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results}
        for results in (each["results"] for each in runs)
    ]
    assert places == [{"var/lib/dpkg/status"}, {"arm64.lock"}]


def test_sarif_without_a_lock_points_into_the_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--format=sarif") == 0
    result = json.loads(capsys.readouterr().out)["runs"][0]["results"][0]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "var/lib/dpkg/status"


@pytest.mark.parametrize(
    ("words", "vex", "status"),
    [
        ([], (), 0),
        (["--fail-on=any"], (), 1),
        (["--fail-on=high"], (), 1),
        (["--fail-on=fixable"], (), 1),
        (["--fail-on=high"], (statement("CVE-2026-1", SOURCE),), 0),
        (["--fail-on=fixable"], (statement("CVE-2026-1", SOURCE),), 0),
        (["--fail-on=medium"], (statement("CVE-2026-1", SOURCE),), 0),
        (["--fail-on=high", "--fail-on=any"], (statement("CVE-2026-1", SOURCE),), 1),
    ],
)
def test_nothing_fails_unless_asked(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    vex: tuple[dict[str, Any], ...],
    status: int,
) -> None:
    assert run(tmp_path, *words, vex=vex) == status
    told = capsys.readouterr()
    assert "vulnerabilities" in told.out
    assert bool(told.err) == bool(status)


def test_the_same_input_gives_the_same_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("text", "json", "sarif"):
        run(tmp_path, f"--format={form}")
        first = capsys.readouterr().out
        run(tmp_path, f"--format={form}")
        assert capsys.readouterr().out == first


EVIL = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m"


def evil_tracker() -> dict[str, Any]:
    entry = {"status": "open", "urgency": f"high{EVIL}"}
    return {
        "demo": {
            f"CVE-1{EVIL}": {
                "description": f"[free money](https://evil.test) {{0}}{EVIL}",
                "releases": {"bookworm": entry},
            }
        }
    }


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_what_data_say_is_only_text(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tracker(tmp_path, evil_tracker())
    words = [f"--bill={write_bill(tmp_path)}", f"--data={tmp_path / 'tracker.json'}"]
    assert report_cves.main([*words, f"--format={form}", "--fail-on=any"]) == 1
    told = capsys.readouterr()
    assert not set(told.out + told.err) & {"\x1b", "\x07", "\u202e", "\x9b"}
    if form == "sarif":
        (rule,) = json.loads(told.out)["runs"][0]["tool"]["driver"]["rules"]
        text = rule["fullDescription"]["text"]
        assert text.startswith("\\[free money\\](https://evil.test) {{0}}")


@pytest.mark.parametrize(
    "release",
    [
        {"status": "resolved", "fixed_version": "not a version!"},
        {"status": "resolved", "fixed_version": 7},
        {"status": ["open"]},
        {"status": "open", "urgency": 1},
        {"status": "open", "nodsa": 3},
        [],
    ],
)
def test_malformed_data_are_not_a_finding(
    tmp_path: Path, release: object, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tracker(tmp_path, {"demo": {"CVE-1": {"releases": {"bookworm": release}}}})
    words = [f"--bill={write_bill(tmp_path)}", f"--data={tmp_path / 'tracker.json'}"]
    assert report_cves.main([*words, "--fail-on=any"]) == 2
    assert capsys.readouterr().err.startswith("cves: ")


def test_wrong_input_is_told_in_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEBIAN_SECURITY_TRACKER", raising=False)
    bill = write_bill(tmp_path)
    assert report_cves.main([f"--bill={bill}"]) == 2
    assert "--data FILE" in capsys.readouterr().err
    assert report_cves.main([f"--bill={write_tracker(tmp_path)}", "--data=x"]) == 2
    assert "is no bill of materials" in capsys.readouterr().err


def test_the_environment_names_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBIAN_SECURITY_TRACKER", "tracker.json")
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    write_tracker(tmp_path)
    write_bill(tmp_path)
    assert report_cves.main(["--bill=image.cdx.json"]) == 0
    assert "CVE-2026-1" in capsys.readouterr().out


def test_an_image_on_alpine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = write_bill(tmp_path, apk("libdemo", "2.0-r1", "demo"), apk("musl", "1.2.5-r1", "musl"))
    write_secdb(tmp_path, "main.json", {"demo": {"2.0-r2": ["CVE-2026-1"], "0": ["CVE-2026-2"]}})
    write_secdb(tmp_path, "community.json", {}, "community")
    monkeypatch.setenv("ALPINE_SECURITY_DATABASE", "main.json community.json")
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    assert report_cves.main([f"--bill={bill}", "--fail-on=fixable"]) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == "not yet assigned CVE-2026-1 demo 2.0-r1 2.0-r2 libdemo"
    assert lines[4] == "2 Alpine packages, 1 vulnerabilities: 1 not yet assigned"
    assert [line.split()[1] for line in lines[6:]] == ["main.json", "community.json"]
    said = statement("CVE-2026-1", "pkg:apk/alpine/demo@2.0-r1?arch=source")
    vex = write_vex(tmp_path, said)
    assert report_cves.main([f"--bill={bill}", f"--vex={vex}", "--format=sarif"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "lib/apk/db/installed"
    assert result["suppressions"][0]["status"] == "accepted"
