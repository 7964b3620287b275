"""The JSON Schemas fit the catalog's files, which name them, and refuse what the loader refuses."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

CATALOG = Path(__file__).parents[2] / "catalog"
SCHEMAS = {
    path.name.partition(".")[0]: json.loads(path.read_text())
    for path in sorted((CATALOG / "schema").glob("*.json"))
}
FROZEN = Path(__file__).parent / "testdata" / "catalog"
OLD = CATALOG.parent / "tests/old_versions/versions.yaml"
FILES = {
    **{path: path.stem for path in sorted(CATALOG.glob("*.yaml"))},
    **{path: path.stem for path in sorted(FROZEN.glob("*.yaml"))},
    **dict.fromkeys(sorted((FROZEN / "families").glob("*.yaml")), "family"),
    OLD: "versions",
    **dict.fromkeys(sorted((CATALOG / "families").glob("*.yaml")), "family"),
}


def data(text: str) -> Any:
    """A YAML text as JSON would have it: dates and odd keys are strings."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.isoformat() if isinstance(value, datetime.date) else value

    return plain(yaml.safe_load(text))


def faults(schema: str, text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMAS[schema])
    return [error.message for error in validator.iter_errors(data(text))]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_file_fits_its_schema_and_names_it(path: Path) -> None:
    assert faults(FILES[path], path.read_text()) == []
    folder = os.path.relpath(CATALOG / "schema", path.parent)
    modeline = f"# yaml-language-server: $schema={folder}/{FILES[path]}.schema.json"
    assert path.read_text().splitlines()[0] == modeline


def test_the_public_mirrors_fit_their_schema_and_name_it() -> None:
    text = (CATALOG / "mirrors.json").read_text()
    assert faults("mirrors", text) == []
    assert json.loads(text)["$schema"] == "schema/mirrors.schema.json"
    for old, new in [
        ('"security": [', '"secure": ['),
        ("https://", "ftp://"),
        ('/debian"', '/debian/"'),
    ]:
        assert old in text
        assert faults("mirrors", text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("versions.yaml", "    sha256: ", "    sha265: "),
        ("versions.yaml", "sha256: 3b48", "sha256: 3B48"),
        ("versions.yaml", "version: 3.14.7", "version: 3.14.07"),
        ("versions.yaml", "released: 2026-08-05", "released: August"),
        ("versions.yaml", "    env: {}", "    env: []"),
        ("versions.yaml", '"3", latest]', '"3", "la test"]'),
        ("suites.yaml", "platforms: [", "platforms: []\n    # ["),
        ("suites.yaml", "platforms: [amd64, arm64,", "platforms: [amd64, amd64,"),
        ("platforms.yaml", "sample: true", "sample: often"),
        ("suites.yaml", "    release: ", "    releese: "),
        ("platforms.yaml", "bits: 64", "bits: 16"),
        ("platforms.yaml", "endian: little", "endian: small"),
        ("variants.yaml", "tag: slim-{suite}", "tag: slim"),
        ("variants.yaml", "strip: true", "strip: 1"),
        ("ubuntu.yaml", "components: [main", "components: [Main"),
        ("ubuntu.yaml", "  ports: [", "  port: ["),
        ("ubuntu.yaml", 'release: "24.04"', 'release: "noble"'),
        ("ubuntu.yaml", "      sysroot: &sysroot", "      Sysroot: &sysroot\n        - A B"),
        ("dockerfiles.yaml", 'lto: "3.6"', 'lto: "3"'),
        ("families/2026-02.yaml", "scheme: official", "scheme: oficial"),
        ("families/2026-02.yaml", "commit: 7", "commit: z"),
        ("families/2026-02.yaml", "releases:", "release:"),
        ("families/infra7-2024-10.yaml", "built: false", "built: never"),
        ("families/infra7.yaml", "variant: slim", "variants: slim"),
        ("families/infra7.yaml", "catalog: newest", "catalog: oldest"),
        ("fixtures.yaml", "ubuntu: [", "debian: ["),
        ("fixtures.yaml", "    bytes: CPython", "    byte: CPython"),
        ("families/current.yaml", "releases: catalog", "releases: none"),
    ],
)
def test_a_schema_refuses_what_the_loader_refuses(file: str, old: str, new: str) -> None:
    path = FROZEN / file if (FROZEN / file).exists() else CATALOG / file
    text = path.read_text()
    assert old in text
    assert faults(FILES[path], text.replace(old, new, 1))


_PATCHED = f"""\
    revision: 1
    revised: 2026-11-25
    patches:
      - file: patches/3.14.7/CVE-2026-1234.patch
        sha256: {"ab" * 32}
        fixes: [CVE-2026-1234]
        origin: https://github.com/python/cpython/commit/0a1b
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    revision: 1\n", ""),
        ("    revised: 2026-11-25\n", ""),
        (_PATCHED[_PATCHED.index("    patches") :], ""),
        ("revision: 1", "revision: 0"),
        ("patches/3", "patches/../3"),
        ("patches/3", "3"),
        ("abab", "xyab"),
        ("[CVE-2026-1234]", "[CVE-2026]"),
        ("https:", "http:"),
        ("        origin", "        url"),
    ],
)
def test_patches_of_a_row(old: str, new: str) -> None:
    text = (FROZEN / "versions.yaml").read_text()
    at = text.index("  - version: 3.13.15\n")
    assert faults("versions", text[:at] + text[at:].replace("\n", f"\n{_PATCHED}", 1)) == []
    assert old in _PATCHED
    wrong = _PATCHED.replace(old, new, 1)
    assert faults("versions", text[:at] + text[at:].replace("\n", f"\n{wrong}", 1))
