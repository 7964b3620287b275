"""Bundled libraries, of a source archive made here."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from tools.attestations.sbom import bundled
from tools.attestations.sbom.sbom_error import SbomError

EXPAT = "#define XML_MAJOR_VERSION 2\n#define XML_MINOR_VERSION 7\n#define XML_MICRO_VERSION 4\n"


def archive(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "Python-3.99.0.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"Python-3.99.0/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


def own_bill(**versions: str) -> str:
    return json.dumps({"packages": [{"name": n, "versionInfo": v} for n, v in versions.items()]})


def test_versions_are_read_from_the_headers(tmp_path: Path) -> None:
    source = archive(
        tmp_path,
        {
            "Modules/expat/expat.h": EXPAT,
            "Modules/_blake2/impl/blake2.h": "",
            "Include/internal/mimalloc/mimalloc.h": "#define MI_MALLOC_VERSION 212 // 2.1.2\n",
            "Misc/sbom.spdx.json": own_bill(expat="2.7.4", libb2="0.98.1"),
        },
    )
    found = {library["name"]: library for library in bundled.read(source)}
    assert {name: library["version"] for name, library in found.items()} == {
        "expat": "2.7.4",
        "libb2": "0.98.1",
        "mimalloc": "2.1.2",
    }
    assert found["expat"]["cpe"] == "cpe:2.3:a:libexpat_project:libexpat:2.7.4:*:*:*:*:*:*:*"


def test_what_is_built_with_it_for_windows(tmp_path: Path) -> None:
    cpe = "cpe:2.3:a:bzip:bzip2:1.0.8:*:*:*:*:*:*:*"
    externals = {
        "packages": [
            {
                "name": "bzip2",
                "versionInfo": "1.0.8",
                "externalRefs": [{"referenceType": "cpe23Type", "referenceLocator": cpe}],
            }
        ]
    }
    files = {"Modules/expat/expat.h": EXPAT, "Misc/externals.spdx.json": json.dumps(externals)}
    expat, bzip2 = bundled.read(archive(tmp_path, files))
    assert bundled.EXTERNAL not in expat
    assert bzip2 == {
        "name": "bzip2",
        "version": "1.0.8",
        "license": "",
        "cpe": cpe,
        bundled.EXTERNAL: "windows",
    }


def test_a_contradiction_is_refused(tmp_path: Path) -> None:
    files = {"Modules/expat/expat.h": EXPAT, "Misc/sbom.spdx.json": own_bill(expat="2.7.5")}
    with pytest.raises(SbomError, match=r"is of expat 2\.7\.4, but Misc/sbom\.spdx\.json says"):
        bundled.read(archive(tmp_path, files))


def test_a_header_that_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SbomError, match="doesn't say the version of expat as it used to"):
        bundled.read(archive(tmp_path, {"Modules/expat/expat.h": "// moved\n"}))
