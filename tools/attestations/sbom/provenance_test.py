"""Provenance: what it names, and that it depends on nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.sbom import cyclonedx, provenance, sbom_fixtures, write_sbom
from tools.attestations.sbom.model import Patch
from tools.attestations.sbom.sbom_error import SbomError

FACTS: dict[str, Any] = {
    "name": "//images:demo_amd64",
    "parameters": {"target": "//images:demo_amd64", "flags": {}},
    "internal": {"suite": "bookworm"},
    "source": sbom_fixtures.SOURCE,
    "revision": "",
    "builder": "",
}


def statement(folder: Path, **facts: str) -> dict[str, Any]:
    lock = folder / "requirements.lock"
    lock.write_text(f"# Generated\nattrs==26.1.0 --hash=sha256:{'c' * 64}\n")
    locked = sbom_fixtures.locked(folder / "packages.json")
    layout = sbom_fixtures.make_layout(folder, sbom_fixtures.image_files())
    bill = write_sbom.make(layout, sbom_fixtures.FACTS, [locked], [])
    document = json.loads(cyclonedx.render(bill))
    return provenance.make({**FACTS, **facts}, document, [("tool", "trixie", locked)], lock)


def test_all_materials_are_named_by_digest(tmp_path: Path) -> None:
    made = statement(tmp_path)
    assert made["_type"] == "https://in-toto.io/Statement/v1"
    assert made["predicateType"] == "https://slsa.dev/provenance/v1"
    build = made["predicate"]["buildDefinition"]
    found = {item["name"]: item for item in build["resolvedDependencies"]}
    assert list(found) == [
        "cpython 3.13.99",
        "demo-tools 2.0-3~deb12u1",
        "libdemo1 2.0-3+b1",
        "attrs 26.1.0",
    ]
    assert found["libdemo1 2.0-3+b1"]["annotations"]["roles"] == ["image", "tool"]
    assert found["attrs 26.1.0"]["digest"] == {"sha256": "c" * 64}
    layout = tmp_path / "layout" / "index.json"
    digest = json.loads(layout.read_text())["manifests"][0]["digest"]
    assert made["subject"] == [
        {"name": "//images:demo_amd64", "digest": {"sha256": digest.removeprefix("sha256:")}}
    ]


def test_patches_are_materials(tmp_path: Path) -> None:
    layout = sbom_fixtures.make_layout(tmp_path, sbom_fixtures.image_files())
    locked = sbom_fixtures.locked(tmp_path / "packages.json")
    patch = Patch("patches/1.patch", "a" * 64, "b" * 40, ("CVE-2026-1234",), "", "")
    bill = json.loads(
        cyclonedx.render(write_sbom.make(layout, sbom_fixtures.FACTS, [locked], [], (patch,)))
    )
    lock = tmp_path / "requirements.lock"
    lock.write_text("")
    made = provenance.make(FACTS, bill, [], lock)
    source, found, *_ = made["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert source["annotations"] == {"roles": ["source"]}
    assert found == {
        "digest": {"sha256": "a" * 64},
        "name": "patches/1.patch",
        "annotations": {"roles": ["patch"]},
    }


def test_the_revision_is_there_only_where_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert "gitCommit" not in json.dumps(statement(tmp_path / "a"))
    made = statement(tmp_path / "b", revision="0123456789" * 4, builder="urn:acme:ci")
    assert made["predicate"]["runDetails"]["builder"]["id"] == "urn:acme:ci"
    assert {"name": "python_images", "digest": {"gitCommit": "0123456789" * 4}} in made[
        "predicate"
    ]["buildDefinition"]["resolvedDependencies"]


def test_no_abbreviated_revision(tmp_path: Path) -> None:
    with pytest.raises(SbomError, match="revision=0123abc: is no full commit id"):
        statement(tmp_path, revision="0123abc")
