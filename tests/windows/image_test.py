"""What is in an image made of a real Python for Windows: its layer, and the documents about it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.sbom.validate import cyclonedx_faults, ntia_faults, spdx_faults
from tools.oci.assembler.layout import Layout
from tools.oci.blob import open_tar
from tools.windows import layer_rules

ARCHIVE = Path(os.environ["ARCHIVE"])
IMAGE = Layout(Path(os.environ["IMAGE"]))
VERSION = os.environ["VERSION"]
SPDX, CYCLONEDX = (
    next(Path(name) for name in os.environ["SBOM"].split() if name.endswith(f".{kind}.json"))
    for kind in ("spdx", "cdx")
)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return IMAGE.image()[1]


@pytest.fixture(scope="module")
def config(manifest: dict[str, Any]) -> dict[str, Any]:
    return IMAGE.document(manifest["config"])


@pytest.fixture(scope="module")
def files(manifest: dict[str, Any]) -> dict[str, bytes]:
    r"""The files of Python's layer, by their path below C:\Python."""
    found = {}
    with (
        open_tar(IMAGE.blob(manifest["layers"][-1]["digest"])) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        for member in tar:
            if file := tar.extractfile(member):
                found[member.name.removeprefix("Files/Python/")] = file.read()
    return found


@pytest.fixture(scope="module")
def components() -> dict[str, dict[str, Any]]:
    return {c["bom-ref"]: c for c in json.loads(CYCLONEDX.read_text())["components"]}


def test_the_archive_is_the_one_that_is_named(config: dict[str, Any]) -> None:
    with ARCHIVE.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    assert f"PYTHON_SHA256={sha256}" in config["config"]["Env"]


def test_windows_would_unpack_the_layer(manifest: dict[str, Any]) -> None:
    layer_rules.check_blob(IMAGE.blob(manifest["layers"][-1]["digest"]))


def test_the_layer_is_the_archive_and_pips_programs(files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(ARCHIVE) as archive:
        wanted = {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.startswith(("Doc/", "Lib/test/", "__install__"))
        }
    minor = VERSION.rpartition(".")[0]
    programs = {f"Scripts/pip{rest}.exe" for rest in ("", "3", minor)}
    assert len(wanted) > 2000
    assert files.keys() == wanted.keys() | programs
    changed = {name for name, data in wanted.items() if files[name] != data}
    assert [name.rpartition("/")[2] for name in changed] == ["RECORD"]
    for name in programs:
        # pip's own launcher of that release, the interpreter, the script.
        launcher = files["Lib/site-packages/pip/_vendor/distlib/t64.exe"]
        rest = files[name].removeprefix(launcher)
        assert rest.startswith(b"#!C:\\Python\\python.exe\r\n")
        with zipfile.ZipFile(io.BytesIO(rest)) as script:
            assert script.namelist() == ["__main__.py"]


def test_the_configuration_is_as_the_published_images(config: dict[str, Any]) -> None:
    # Of docker-library's python:3.13-windowsservercore-ltsc2025, by their own description of it
    # (repos/python/remote in docker-library/repo-info): the same history and variables but PATH.
    assert (config["os"], config["architecture"]) == ("windows", "amd64")
    assert config["os.version"].startswith("10.0.26100.")
    inner = config["config"]
    assert inner["Cmd"] == ["python"]
    assert not inner.get("Entrypoint")
    assert inner["Shell"][:2] == ["powershell", "-Command"]
    names = [assignment.partition("=")[0] for assignment in inner["Env"]]
    assert names == ["PATH", "PYTHONIOENCODING", "PYTHON_VERSION", "PYTHON_SHA256"]
    told = [" ".join(entry["created_by"].split("=")[0].split()[:2]) for entry in config["history"]]
    assert told == [
        "Apply image",
        "Install update",
        "SHELL [powershell",
        "ENV PATH",
        "ENV PYTHONIOENCODING",
        "ENV PYTHON_VERSION",
        "ENV PYTHON_SHA256",
        "bazel build",
        'CMD ["python"]',
    ]


def test_validators_take_the_bills() -> None:
    assert spdx_faults(SPDX.read_text()) == []
    assert ntia_faults(SPDX.read_text()) == []
    assert cyclonedx_faults(CYCLONEDX.read_text()) == []


def test_libraries_by_their_dlls(components: dict[str, dict[str, Any]]) -> None:
    versions = {ref.rpartition("/")[2]: part["version"] for ref, part in components.items()}
    assert versions["cpython"] == VERSION
    # What python.org built this release with (its Misc/externals.spdx.json).
    assert {
        "openssl": "3.0.15",
        "sqlite": "3.45.3",
        "tcl": "8.6.15",
        "tk": "8.6.15",
        "zlib": "1.3.1",
    }.items() <= versions.items()
    assert components["pypi/pip"]["version"] == components["cpython/ensurepip/pip"]["version"]
    assert "pypi/pip/urllib3" in components


def test_the_base_is_named_by_digest(
    manifest: dict[str, Any], components: dict[str, dict[str, Any]]
) -> None:
    base = [entry["digest"] for entry in manifest["layers"][:-1]]
    assert [components[f"base/{number}"]["version"] for number, _ in enumerate(base, 1)] == base
    statement = json.loads(Path(os.environ["PROVENANCE"]).read_text())
    build = statement["predicate"]["buildDefinition"]
    roles = {
        f"sha256:{item['digest']['sha256']}": item["annotations"]["roles"]
        for item in build["resolvedDependencies"]
    }
    assert [roles[digest] for digest in base] == [["base", "foreign-layer"]] * len(base)
    assert roles[components["base"]["version"]] == ["base"]
    source = build["resolvedDependencies"][0]
    assert source["name"] == f"cpython {VERSION}"
    assert source["digest"]["sha256"] == components["cpython"]["hashes"][0]["content"]
