"""`.cves` of a real image, as people run it, with data that know its packages' versions."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROGRAM = str(Path(os.environ["CVES"]).absolute())
SUITE = os.environ["SUITE"]
BILL = next(Path(name) for name in os.environ["SBOM"].split() if name.endswith(".cdx.json"))


@pytest.fixture(scope="module")
def packages() -> dict[str, dict[str, Any]]:
    components = json.loads(BILL.read_text())["components"]
    return {one["name"]: one for one in components if one["bom-ref"].startswith("deb/")}


@pytest.fixture
def data(tmp_path: Path, packages: dict[str, dict[str, Any]]) -> Path:
    """Return data in which apt is to be renewed, and dpkg has been fixed."""
    apt, dpkg = (packages[name]["pedigree"]["ancestors"][0]["version"] for name in ("apt", "dpkg"))

    def resolved(fixed: str) -> dict[str, Any]:
        release = {"status": "resolved", "fixed_version": fixed, "urgency": "high"}
        return {"releases": {SUITE: release}}

    content = {
        "apt": {"CVE-2026-10001": resolved(f"{apt}+deb12u9")},
        "dpkg": {"CVE-2026-10002": resolved(dpkg)},
        # A source package whose binaries have other names.
        "glibc": {"CVE-2026-10003": {"releases": {SUITE: {"status": "open", "urgency": "low"}}}},
    }
    path = tmp_path / "tracker.json"
    path.write_text(json.dumps(content))
    return path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program where `bazel run` would say that it was called."""
    return subprocess.run(
        [PROGRAM, *words],
        env={
            "BUILD_WORKING_DIRECTORY": str(folder),
            "PATH": os.environ["PATH"],
            "RUNFILES_DIR": os.environ["TEST_SRCDIR"],
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_real_image_has(
    data: Path, packages: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    done = run(tmp_path, f"--data={data.name}", "--format=json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["packages"] == len(packages)
    found = {one["id"]: one for one in told["findings"]}
    assert found.keys() == {"CVE-2026-10001", "CVE-2026-10003"}
    names = {purl.partition("@")[0] for purl in found["CVE-2026-10003"]["packages"]}
    assert names == {"pkg:deb/debian/libc-bin", "pkg:deb/debian/libc6"}


def test_alerts_point_at_the_locks_own_lines(data: Path, tmp_path: Path) -> None:
    done = run(tmp_path, f"--data={data.name}", "--format=sarif", "--output=out.sarif")
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    results = json.loads((tmp_path / "out.sarif").read_text())["runs"][0]["results"]
    for result, names in zip(results, [("apt", "libapt-pkg6.0"), ("libc-bin",)], strict=True):
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == f"third_party/debian/{SUITE}_amd64.lock"
        line = (
            Path(place["artifactLocation"]["uri"])
            .read_text()
            .splitlines()[place["region"]["startLine"] - 1]
        )
        assert line.startswith(tuple(f"{name} " for name in names))


def test_it_fails_when_asked_to(data: Path, tmp_path: Path) -> None:
    assert run(tmp_path, f"--data={data.name}").returncode == 0
    done = run(tmp_path, f"--data={data.name}", "--fail-on=fixable")
    assert done.returncode == 1
    assert done.stderr == "cves: --fail-on fixable: CVE-2026-10001\n"
    assert run(tmp_path, "--data=missing.json").returncode == 2


def test_statements_of_ones_own(data: Path, tmp_path: Path) -> None:
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "urn:test",
        "author": "test",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2026-10001"},
                "products": [{"@id": "pkg:deb/debian/apt?arch=source"}],
                "status": "not_affected",
                "impact_statement": "apt is not called in the images we run.",
            }
        ],
    }
    (tmp_path / "ours.json").write_text(json.dumps(document))
    words = (f"--data={data.name}", "--vex=ours.json", "--fail-on=fixable")
    done = run(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "1 suppressed" in done.stdout
