"""Bills of materials of images on Windows: what they list of the base, of CPython and its DLLs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.sbom import (
    cyclonedx,
    image_files,
    provenance,
    spdx,
    windows_parts,
    write_sbom,
)
from tools.attestations.sbom.sbom_error import SbomError
from tools.attestations.sbom.sbom_fixtures import METADATA, make_layout, record
from tools.attestations.sbom.validate import cyclonedx_faults, ntia_faults, spdx_faults
from tools.windows.windows_fixtures import Base, digest, make_image_of

ARCHIVE = {
    "version": "3.13.99",
    "url": "https://example.org/python-3.13.99-amd64.zip",
    "sha256": "5" * 64,
}
FACTS = {
    "name": "//images:demo",
    "title": "python",
    "suite": "ltsc2025",
    "source": ARCHIVE,
    "vendor": "",
}
CPE = "cpe:2.3:a:v:{}:{}:*:*:*:*:*:*:*"
LIBRARIES = [
    *({"name": n, "version": "1.2", "license": "MIT", "cpe": ""} for n in ("expat", "mimalloc")),
    *(
        {"name": n, "version": v, "license": "", "cpe": CPE.format(n, v), "external": "windows"}
        for n, v in {"libffi": "3.4.4", "xz": "5.2.5", "sqlite": "3.1.0", "tcl": "9.0"}.items()
    ),
]


def versioned(version: str) -> bytes:
    """A DLL whose resources tell its version, as Microsoft's compiler lays them out."""
    pad = b"\0\0" if len(version) % 2 else b""
    text = "ProductVersion\0".encode("utf-16-le") + pad + f"{version}\0".encode("utf-16-le")
    return b"MZ" + bytes(40) + text + bytes(16)


def files() -> dict[str, bytes]:
    """Python on C:, in short."""
    site = "Python/Lib/site-packages"
    module = {"demo_pkg/__init__.py": b"", "../../Scripts/demo.exe": b"MZ launcher"}
    return {
        "Python/python.exe": b"MZ",
        "Python/python313.dll": versioned("3.13.99"),
        "Python/include/patchlevel.h": b'#define PY_VERSION "3.13.99"\n',
        "Python/DLLs/libcrypto-3.dll": versioned("3.0.15"),
        "Python/DLLs/sqlite3.dll": versioned("3.45.3.0"),
        "Python/DLLs/libffi-8.dll": b"MZ without resources",
        "Python/DLLs/zlib1.dll": versioned("1,3,1"),
        "Python/Scripts/demo.exe": b"MZ launcher",
        "Python/Lib/ensurepip/_bundled/pip-9.9-py3-none-any.whl": b"wheel",
        f"{site}/demo_pkg/__init__.py": b"",
        f"{site}/demo_pkg-1.5.dist-info/METADATA": METADATA.encode(),
        f"{site}/demo_pkg-1.5.dist-info/RECORD": record(module),
    }


def components(
    folder: Path, given: Mapping[str, bytes], *, foreign: bool = False
) -> tuple[str, str, dict[str, dict[str, Any]]]:
    """(SPDX, CycloneDX, components by reference) of such an image."""
    layout = make_image_of(folder, given, foreign=foreign)
    bill = write_sbom.make(layout, FACTS, [], LIBRARIES)
    text = cyclonedx.render(bill)
    return spdx.render(bill), text, {c["bom-ref"]: c for c in json.loads(text)["components"]}


def test_validators_take_both(tmp_path: Path) -> None:
    one, other, _ = components(tmp_path, files())
    assert spdx_faults(one) == []
    assert ntia_faults(one) == []
    assert cyclonedx_faults(other) == []


def test_spdx_has_whole_seconds(tmp_path: Path) -> None:
    bill = write_sbom.make(make_image_of(tmp_path, files()), FACTS, [], LIBRARIES)
    # As Microsoft's images were created.
    subject = dataclasses.replace(bill.subject, created="2026-11-08T05:19:26.1234567+01:00")
    text = spdx.render(dataclasses.replace(bill, subject=subject))
    assert json.loads(text)["creationInfo"]["created"] == "2026-11-08T04:19:26Z"
    assert spdx_faults(text) == []


@pytest.mark.parametrize("foreign", [False, True])
def test_the_base(tmp_path: Path, foreign: bool) -> None:
    base = Base(foreign=foreign)
    one, _, found = components(tmp_path, files(), foreign=foreign)
    image = found["base"]
    assert (image["type"], image["name"]) == ("container", "windows/servercore:ltsc2025")
    assert image["version"] == digest(base.manifest)
    assert image["purl"] == f"pkg:oci/servercore@{image['version']}?arch=amd64&tag=ltsc2025"
    assert (found["os"]["name"], found["os"]["version"]) == (
        "Windows Server Core",
        base.os_version,
    )
    layers = [found[f"base/{number}"] for number in (1, 2)]
    assert [layer["version"] for layer in layers] == [digest(blob) for blob in base.layers]
    assert [layer["hashes"][0]["content"] for layer in layers] == [
        hashlib.sha256(blob).hexdigest() for blob in base.layers
    ]
    for layer in layers:
        assert layer["properties"] == [
            {"name": "python-images:foreign-layer", "value": layer["version"]}
        ]
        assert ("externalReferences" in layer) == foreign
    told = {package["name"]: package for package in json.loads(one)["packages"]}
    assert told[image["name"]]["primaryPackagePurpose"] == "CONTAINER"
    assert told[layers[1]["name"]]["comment"].startswith("A foreign layer")


def test_cpython_and_its_libraries(tmp_path: Path) -> None:
    _, _, found = components(tmp_path, files())
    cpython = found["cpython"]
    assert cpython["version"] == "3.13.99"
    assert cpython["hashes"][0]["content"] == ARCHIVE["sha256"]
    assert cpython["externalReferences"][0]["url"] == ARCHIVE["url"]
    assert cpython["cpe"] == "cpe:2.3:a:python:python:3.13.99:*:*:*:*:*:*:*"
    openssl = found["cpython/openssl"]
    assert openssl["cpe"] == "cpe:2.3:a:openssl:openssl:3.0.15:*:*:*:*:*:*:*"
    assert openssl["evidence"]["occurrences"] == [
        {"location": "/Files/Python/DLLs/libcrypto-3.dll"}
    ]
    assert found["cpython/sqlite"]["version"] == "3.45.3"
    assert found["cpython/zlib"]["version"] == "1.3.1"
    # It tells no version: CPython's source does.
    assert found["cpython/libffi"]["version"] == "3.4.4"
    # Linked statically, so only the source tells of it.
    assert found["cpython/xz"]["cpe"] == CPE.format("xz", "5.2.5")
    assert found["cpython/xz"]["licenses"][0]["expression"] == "0BSD"
    # Linked into Python's own files.
    assert found["cpython/expat"]["version"] == "1.2"
    assert "cpython/mimalloc" in found
    assert "cpython/tcl" not in found


def test_without_cpythons_source(tmp_path: Path) -> None:
    layout = make_image_of(tmp_path, files())
    found = {part.key: part for part in write_sbom.make(layout, FACTS, [], []).components}
    ffi = found["cpython/libffi"]
    assert ffi.version == f"sha256:{hashlib.sha256(b'MZ without resources').hexdigest()}"
    assert not ffi.purl
    assert "cpython/xz" not in found


def test_python_packages(tmp_path: Path) -> None:
    _, _, found = components(tmp_path, files())
    assert found["pypi/demo-pkg"]["version"] == "1.5"
    assert found["cpython/ensurepip/pip"]["version"] == "9.9"


def test_a_program_that_its_record_doesnt_know(tmp_path: Path) -> None:
    with pytest.raises(SbomError, match=r"/Files/Python/Scripts/demo.exe: differs"):
        components(tmp_path, {**files(), "Python/Scripts/demo.exe": b"MZ other"})


def test_another_release_than_the_archive(tmp_path: Path) -> None:
    changed = {**files(), "Python/include/patchlevel.h": b'#define PY_VERSION "3.13.1"\n'}
    with pytest.raises(SbomError, match=r"is of CPython 3.13.1, not of 3.13.99"):
        components(tmp_path, changed)


def test_an_image_that_names_no_base(tmp_path: Path) -> None:
    found = image_files.ImageFiles("sha256:1", {"os": "windows"})
    with pytest.raises(SbomError, match="doesn't say what it lies on"):
        windows_parts.base(found)
    assert not windows_parts.on_windows(image_files.read(make_layout(tmp_path, {})))


@pytest.mark.parametrize("version", ["3.0.15", "3.45.3.0", "14.42.34226.3", "8.6.15", "1.3"])
def test_versions_of_files(version: str) -> None:
    assert windows_parts.file_version(versioned(version)) == version
    assert windows_parts.file_version(b"MZ") == ""


def test_the_provenance(tmp_path: Path) -> None:
    _, text, found = components(tmp_path, files())
    wheels = tmp_path / "requirements.lock"
    wheels.write_text("")
    facts = {
        **FACTS,
        "parameters": {},
        "internal": {},
        "revision": "",
        "builder": "",
    }
    statement = provenance.make(facts, json.loads(text), [], wheels)
    named = {
        item["name"]: (item["digest"]["sha256"], item["annotations"]["roles"])
        for item in statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    base = Base()
    assert named == {
        "cpython 3.13.99": (ARCHIVE["sha256"], ["source"]),
        "windows/servercore:ltsc2025": (digest(base.manifest).removeprefix("sha256:"), ["base"]),
        **{
            f"windows/servercore:ltsc2025 layer {number} of 2": (
                hashlib.sha256(blob).hexdigest(),
                ["base", "foreign-layer"],
            )
            for number, blob in enumerate(base.layers, 1)
        },
    }
    assert statement["subject"][0]["digest"]["sha256"] in json.dumps(json.loads(text)["metadata"])
    assert found
