"""Bills of materials of a small image on Alpine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tools.attestations.sbom import cyclonedx, licenses, provenance, sbom_fixtures, spdx, write_sbom
from tools.attestations.sbom.model import Bill
from tools.attestations.sbom.sbom_error import SbomError
from tools.attestations.sbom.validate import cyclonedx_faults, spdx_faults

DATABASE = """\
C:Q1abc=
P:musl
V:1.2.5-r1
A:x86_64
o:libc
L:MIT
F:lib
R:ld-musl-x86_64.so.1
Z:Q1def=

C:Q1ghi=
P:tzdata
V:2026a-r0
A:noarch
o:tzdata
L:Public-Domain custom
F:usr

"""
FACTS = {**sbom_fixtures.FACTS, "suite": "alpine3.24"}


def locked(path: Path) -> Path:
    rows = [
        {
            "package": name,
            "version": version,
            "architecture": "x86_64",
            "file": f"{name}-{version}.apk",
            "path": f"v3.24/main/x86_64/{name}-{version}.apk",
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
        }
        for name, version in (("musl", "1.2.5-r1"), ("tzdata", "2026a-r0"))
    ]
    path.write_text(json.dumps(rows))
    return path


def make(folder: Path, database: str = DATABASE) -> Bill:
    files = sbom_fixtures.image_files()
    del files["var/lib/dpkg/status"]
    files["lib/apk/db/installed"] = database.encode()
    files["usr/lib/os-release"] = b'ID=alpine\nVERSION_ID=3.24.0\nNAME="Alpine Linux"\n'
    layout = sbom_fixtures.make_layout(folder, files)
    return write_sbom.make(layout, FACTS, [locked(folder / "packages.json")], [])


def test_packages_have_url_checksum_and_licence(tmp_path: Path) -> None:
    found = {component.key: component for component in make(tmp_path).components}
    assert [key for key in found if key.startswith("apk/")] == ["apk/musl", "apk/tzdata"]
    musl, tzdata = found["apk/musl"], found["apk/tzdata"]
    assert musl.purl == "pkg:apk/alpine/musl@1.2.5-r1?arch=x86_64&distro=alpine-3.24"
    assert (musl.license, musl.file) == ("MIT", "musl-1.2.5-r1.apk")
    assert (musl.source, tzdata.source) == (("libc", "1.2.5-r1"), ("tzdata", "2026a-r0"))
    assert musl.sha256 == hashlib.sha256(b"musl").hexdigest()
    assert tzdata.purl.endswith("?arch=noarch&distro=alpine-3.24")
    assert tzdata.license.startswith("LicenseRef-Public-Domain-custom-")
    assert found["os"].version == "3.24.0"


def test_both_formats_are_valid(tmp_path: Path) -> None:
    bill = make(tmp_path)
    assert spdx_faults(spdx.render(bill)) == []
    rendered = cyclonedx.render(bill)
    assert cyclonedx_faults(rendered) == []
    assert "pkg:apk/alpine/libc@1.2.5-r1?arch=source" in rendered


def test_the_provenance_has_alpine_s_urls(tmp_path: Path) -> None:
    bill = json.loads(cyclonedx.render(make(tmp_path)))
    facts = {
        **FACTS,
        "parameters": {},
        "internal": {},
        "revision": "",
        "builder": "",
        "source": None,
    }
    wheels = tmp_path / "requirements.lock"
    wheels.write_text("")
    sysroot = ("sysroot", "alpine3.24", tmp_path / "packages.json")
    statement = provenance.make(facts, bill, [sysroot], wheels)
    uris = {
        entry["uri"]: entry["annotations"]["roles"]
        for entry in statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    url = "pkg:apk/alpine/musl@1.2.5-r1?arch=x86_64&distro=alpine-3.24"
    assert uris[url] == ["image", "sysroot"]


def test_a_package_outside_of_the_locks_is_refused(tmp_path: Path) -> None:
    sneaked_in = "P:sneaked-in\nV:6-r0\nA:x86_64\n\n"
    with pytest.raises(SbomError, match="sneaked-in 6-r0 is installed, but none of the package"):
        make(tmp_path, DATABASE + sneaked_in)


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SbomError, match="a package has no field 'V'"):
        make(tmp_path, "P:musl\nA:x86_64\n\n")


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("MIT", True),
        ("GPL-2.0-only WITH GCC-exception-3.1", True),
        ("(MIT OR Apache-2.0) AND Zlib", True),
        ("MIT OR", False),
        ("(MIT", False),
        ("MIT) AND (Zlib", False),
        ("MIT BSD-3-Clause", False),
        ("custom", False),
    ],
)
def test_licence_expressions(text: str, valid: bool) -> None:
    assert licenses.is_expression(text) is valid
