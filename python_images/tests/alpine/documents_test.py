"""The documents about an image on the tests' Alpine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tools.attestations.sbom.validate import cyclonedx_faults, spdx_faults

FILES = [Path(name) for name in os.environ["SBOM"].split()]
SPDX = next(path for path in FILES if path.name.endswith(".spdx.json"))
CYCLONEDX = next(path for path in FILES if path.name.endswith(".cdx.json"))
DIGEST = Path(os.environ["DIGEST"]).read_text().strip()


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_both_formats_are_valid_and_about_the_image() -> None:
    assert spdx_faults(SPDX.read_text()) == []
    assert cyclonedx_faults(CYCLONEDX.read_text()) == []
    assert load(SPDX)["packages"][0]["versionInfo"] == DIGEST
    assert load(CYCLONEDX)["metadata"]["component"]["version"] == DIGEST


def test_alpine_s_packages_are_as_locked() -> None:
    found = {
        component["name"]: component
        for component in load(CYCLONEDX)["components"]
        if component["bom-ref"].startswith("apk/")
    }
    # What was asked for, what CPython needs, and what that depends on.
    assert {"busybox", "musl", "tzdata", "openssl", "sqlite", "ncurses-terminfo-base"} <= set(found)
    runtime = {row["package"]: row for row in json.loads(Path(os.environ["RUNTIME"]).read_text())}
    openssl = found["openssl"]
    assert openssl["purl"] == "pkg:apk/alpine/openssl@1-r0?arch=x86_64&distro=alpine-3.24"
    assert openssl["hashes"][0]["content"] == runtime["openssl"]["sha256"]


def test_cpython_and_pip_are_listed() -> None:
    names = {component["bom-ref"] for component in load(CYCLONEDX)["components"]}
    assert {"cpython", "cpython/ensurepip/pip", "os", "pypi/pip"} <= names


def test_the_provenance_is_about_the_image() -> None:
    statement = load(Path(os.environ["PROVENANCE"]))
    assert statement["subject"][0]["digest"] == {"sha256": DIGEST.removeprefix("sha256:")}
    uris = {
        entry.get("uri", ""): entry.get("annotations", {}).get("roles")
        for entry in statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    assert uris["pkg:apk/alpine/openssl@1-r0?arch=x86_64&distro=alpine-3.24"] == ["image"]
    assert any(uri.startswith("pkg:deb/debian/clang-19@") for uri in uris)
