"""Scanners, which know none of our documents, find in an image what its bill of materials lists."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.hardened.image_tree import files_of

Found = set[tuple[str, str, str]]  # kind, name, version

IMAGE = Path(os.environ["IMAGE"])
BILL = next(Path(name) for name in os.environ["SBOM"].split() if name.endswith(".cdx.json"))

# Components, by the beginning of their reference, that leave no trace which scanners look for.
UNSEEN = (
    "cpython/",  # libraries compiled into CPython, and the wheel of ensurepip
    "pypi/pip/",  # pip's own copies: modules without metadata
)
# What syft finds besides, (type, name): where its files are.
BESIDES = {
    # Starters of Windows programs, which pip has a copy of. The bill lists them as part of distlib.
    ("dotnet", "Simple Launcher"): "/pip/_vendor/distlib/",
    # The program of busybox-static, and what syft takes it for by a text in it.
    ("binary", "busybox"): "/busybox/",
    ("binary", "gzip"): "/busybox/",
}


# Python packages that are Debian's, as the bill lists them.
_DEBIANS = "/usr/lib/python3/dist-packages/"


@pytest.fixture(scope="module", name="scan")
def _scan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("syft")
    environment = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
        "TMPDIR": str(folder),
    }
    out = folder / "syft.json"
    subprocess.run(
        [os.environ["SYFT"], "scan", "--quiet", f"oci-dir:{IMAGE}", f"--output=syft-json={out}"],
        check=True,
        env=environment,
    )
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.fixture(scope="module", name="bill")
def _bill() -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = json.loads(BILL.read_text())["components"]
    return components


def _normal(kind: str, name: str, version: str) -> tuple[str, str, str]:
    return kind, canonicalize_name(name) if kind == "pypi" else name, version


def listed(bill: list[dict[str, Any]]) -> Found:
    """What our bill of materials has and a scanner can see."""
    return {
        _normal(component["bom-ref"].partition("/")[0], component["name"], component["version"])
        for component in bill
        if component["bom-ref"] != "os" and not component["bom-ref"].startswith(UNSEEN)
    }


def scanned(scan: dict[str, Any]) -> Found:
    """What syft has found, its kinds and names being those of our bill."""
    kinds = {"deb": "deb", "python": "pypi"}
    found: Found = set()
    for artifact in scan["artifacts"]:
        kind, name, version = (artifact[key] for key in ("type", "name", "version"))
        folder = BESIDES.get((kind, name), _DEBIANS if kind == "python" else "")
        if folder and all(folder in location["path"] for location in artifact["locations"]):
            continue
        if (kind, name) == ("binary", "python"):
            found.add(("cpython", "cpython", version))
        else:
            found.add(_normal(kinds.get(kind, kind), name, version))
    return found


def test_syft_finds_exactly_what_the_bill_lists(
    scan: dict[str, Any], bill: list[dict[str, Any]]
) -> None:
    ours, theirs = listed(bill), scanned(scan)
    assert {kind for kind, _, _ in ours} >= {"cpython", "deb"}
    assert theirs - ours == set()
    assert ours - theirs == set()


def test_syft_knows_the_distribution(scan: dict[str, Any], bill: list[dict[str, Any]]) -> None:
    (system,) = [component for component in bill if component["bom-ref"] == "os"]
    assert (scan["distro"]["id"], scan["distro"]["versionID"]) == (
        system["name"],
        system["version"],
    )


def test_syft_s_packages_are_debian_s(scan: dict[str, Any]) -> None:
    """Package URLs name the distribution and its release: what lists of vulnerabilities go by."""
    urls = [artifact["purl"] for artifact in scan["artifacts"] if artifact["type"] == "deb"]
    release = scan["distro"]["versionID"]
    assert urls
    assert [url for url in urls if not url.startswith("pkg:deb/debian/")] == []
    assert [url for url in urls if f"distro=debian-{release}" not in url] == []


@pytest.fixture(scope="module", name="root")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's regular files; trivy reads no others."""
    root = tmp_path_factory.mktemp("root")
    for path, file in files_of(IMAGE).items():
        if file.is_regular:
            made = root / path
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(file.content)
    # A link in the image.
    (root / "etc/os-release").write_bytes((root / "usr/lib/os-release").read_bytes())
    return root


def test_trivy_finds_exactly_the_packages_of_the_bill(
    root: Path, tmp_path: Path, bill: list[dict[str, Any]]
) -> None:
    """cdxgen's trivy looks for packages of distributions alone."""
    trivy = Path(os.environ["TRIVY"])
    if not trivy.stat().st_size:
        pytest.skip("SKIPPED: no npm registry had trivy")
    out = tmp_path / "trivy.json"
    subprocess.run(
        [trivy, "rootfs", "--quiet", f"--cache-dir={tmp_path}", f"--output={out}", str(root)],
        check=True,
    )
    found = json.loads(out.read_text())["components"]
    theirs = {(each["name"], each["version"]) for each in found if "purl" in each}
    ours = {(name, version) for kind, name, version in listed(bill) if kind == "deb"}
    assert theirs - ours == set()
    assert ours - theirs == set()
    (system,) = [each for each in found if each["type"] == "operating-system"]
    assert system["name"] == "debian"
