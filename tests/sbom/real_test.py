"""What the documents of one real image say, and that validators take them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.sbom.validate import cyclonedx_faults, ntia_faults, spdx_faults

FILES = [Path(name) for name in os.environ["SBOM"].split()]
SPDX = next(path for path in FILES if path.name.endswith(".spdx.json"))
CYCLONEDX = next(path for path in FILES if path.name.endswith(".cdx.json"))
DISTROLESS = "-distroless-" in CYCLONEDX.name


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(CYCLONEDX.read_text())
    return loaded


@pytest.fixture(scope="module")
def digest() -> str:
    return Path(os.environ["DIGEST"]).read_text().strip()


def by_ref(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["bom-ref"]: component for component in bill["components"]}


def test_spdx_is_valid() -> None:
    assert spdx_faults(SPDX.read_text()) == []


def test_spdx_has_the_minimum_elements_of_the_ntia() -> None:
    assert ntia_faults(SPDX.read_text()) == []


def test_cyclonedx_is_valid() -> None:
    assert cyclonedx_faults(CYCLONEDX.read_text()) == []


def test_both_are_about_the_image(bill: dict[str, Any], digest: str) -> None:
    assert bill["metadata"]["component"]["version"] == digest
    image = json.loads(SPDX.read_text())["packages"][0]
    assert image["versionInfo"] == digest


def test_both_list_the_same(bill: dict[str, Any]) -> None:
    spdx = json.loads(SPDX.read_text())["packages"][1:]
    assert sorted((p["name"], p["versionInfo"]) for p in spdx) == sorted(
        (c["name"], c["version"]) for c in bill["components"]
    )


def test_every_debian_package_has_checksum_source_and_purl(bill: dict[str, Any]) -> None:
    packages = {ref: c for ref, c in by_ref(bill).items() if ref.startswith("deb/")}
    assert {"deb/base-files", "deb/libc6"} <= packages.keys()
    assert ({"deb/apt", "deb/dpkg"} <= packages.keys()) is not DISTROLESS
    for package in packages.values():
        assert package["hashes"][0]["alg"] == "SHA-256"
        assert package["pedigree"]["ancestors"][0]["purl"].startswith("pkg:deb/debian/")
        assert "?arch=" in package["purl"]
        assert "&distro=" in package["purl"]
    licensed = [package for package in packages.values() if "licenses" in package]
    # Those without have a copyright file for people: gcc's, X11's, krb5's, Python's ...
    assert len(licensed) > 0.7 * len(packages)


def test_cpython_and_what_it_bundles(bill: dict[str, Any]) -> None:
    found = by_ref(bill)
    if "images/debian" in str(CYCLONEDX):
        assert "cpython" not in found
        return
    assert found["cpython"]["version"] in CYCLONEDX.name
    # Compiled in, as docker-library's are; libb2 has gone with CPython 3.14.
    assert {"cpython/expat", "cpython/hacl-star", "cpython/mimalloc", "cpython/mpdecimal"} <= (
        found.keys()
    )
    if DISTROLESS:
        assert not [ref for ref in found if ref.startswith(("pypi/", "cpython/ensurepip"))]
        return
    assert found["pypi/pip"]["licenses"][0]["expression"] == "MIT"
    vendored = [ref for ref in found if ref.startswith("pypi/pip/")]
    assert "pypi/pip/urllib3" in vendored
    assert "pypi/pip/certifi" in vendored
    assert "cpython/ensurepip/pip" in found


def test_provenance_names_every_package(bill: dict[str, Any], digest: str) -> None:
    statement = json.loads(Path(os.environ["PROVENANCE"]).read_text())
    assert statement["subject"][0]["digest"]["sha256"] == digest.removeprefix("sha256:")
    build = statement["predicate"]["buildDefinition"]
    named = {item["uri"]: item["digest"]["sha256"] for item in build["resolvedDependencies"]}
    for ref, component in by_ref(bill).items():
        if ref.startswith("deb/"):
            assert named[component["purl"]] == component["hashes"][0]["content"]
    roles = {
        role for item in build["resolvedDependencies"] for role in item["annotations"]["roles"]
    }
    if "images/debian" in str(CYCLONEDX):
        assert roles == {"image", "tool"}
    else:
        # Of a minor version with a JIT there is what compiled its code.
        expected = {"build-machine", "compiler", "image", "source", "sysroot", "tool"}
        assert roles - {"jit"} == expected
        assert ("jit" in roles) == any("/clang-" in uri for uri in named)
