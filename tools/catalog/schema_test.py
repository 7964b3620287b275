"""The JSON Schemas fit the catalog's files, which name them; what loads the files goes by them.

`jsonschema` is the other reader of a schema, by which tools/catalog/shape.py is measured.
"""

from __future__ import annotations

import copy
import datetime
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tools.catalog import alpine, family_load, load, proofs, shape, ubuntu, windows
from tools.catalog.catalog_error import CatalogError
from tools.catalog.yamlfile import Mapping
from tools.pages.dockerfile import recipe

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
        ("versions.yaml", "version: 3.14.7", "version: 3.14.7t"),
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
def test_both_refuse_a_fault(file: str, old: str, new: str, tmp_path: Path) -> None:
    path = FROZEN / file if (FROZEN / file).exists() else CATALOG / file
    text = path.read_text()
    assert old in text
    wrong = text.replace(old, new, 1)
    assert faults(FILES[path], wrong)
    assert refusal(FILES[path], wrong, tmp_path)


def refusal(kind: str, text: str, folder: Path) -> str:
    """What shape says of a text; nothing if it has the shape."""
    file = folder / f"{kind}.yaml"
    file.write_text(text)
    try:
        shape.read(kind, file, aliases=True)
    except CatalogError as error:
        assert str(error).startswith(f"{file}:")
        return str(error)
    return ""


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to each value of a document."""
    yield at
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*at, key))


def changed(document: Any, at: tuple[Any, ...], how: str) -> Any:
    """A document with another value at a place, or without one, or with one more key."""
    made = copy.deepcopy(document)
    holder = made
    for key in at[:-1]:
        holder = holder[key]
    if how == "more" and isinstance(holder[at[-1]], dict):
        holder[at[-1]]["no such key"] = {}
    elif how == "less":
        del holder[at[-1]]
    else:
        holder[at[-1]] = {"list": [], "text": "Ä |", "number": -1}.get(how, {})
    return made


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_both_refuse_the_same(path: Path, tmp_path: Path) -> None:
    document = data(path.read_text())
    drawn = random.Random(0)
    found = [at for at in places(document) if at]
    for at in drawn.sample(found, min(8, len(found))):
        for how in ("more", "less", "list", "text", "number"):
            text = yaml.safe_dump(changed(document, at, how), allow_unicode=True)
            fault = [
                error
                for error in jsonschema.Draft202012Validator(SCHEMAS[FILES[path]]).iter_errors(
                    data(text)
                )
                # What is said of several keys at once is the loaders'.
                if error.validator != "dependentRequired"
                and not (error.validator == "oneOf" and "released" in str(error.schema_path))
                and not (error.validator == "oneOf" and "minors" in str(error.schema_path))
            ]
            assert bool(fault) == bool(refusal(FILES[path], text, tmp_path)), (at, how, fault)


KEYWORDS = {
    *("$defs", "$ref", "$schema", "title", "description", "examples", "type", "enum", "const"),
    *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
    *("minProperties", "items", "uniqueItems", "minItems", "pattern", "format", "minimum"),
    *("maximum", "oneOf", "dependentRequired"),
}


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema, and all those within it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key in ("properties", "patternProperties", "$defs"):
        for below in schema.get(key, {}).values():
            yield from schemas(below)
    for below in (
        schema.get("items"),
        schema.get("additionalProperties"),
        *schema.get("oneOf", ()),
    ):
        yield from schemas(below)


@pytest.mark.parametrize("name", sorted(set(FILES.values())))
def test_shape_knows_every_word_of_a_schema(name: str) -> None:
    assert {key for schema in schemas(SCHEMAS[name]) for key in schema} <= KEYWORDS


def test_the_loaders_read_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    def recorded(name: str) -> None:
        method = getattr(Mapping, name)

        def record(self: Mapping, key: str, *more: str) -> Any:
            asked.add(key)
            return method(self, key, *more)

        monkeypatch.setattr(Mapping, name, record)

    for name in ("get", "need", "__getitem__"):
        recorded(name)
    catalog = load.load(CATALOG)
    load.load(CATALOG, versions=OLD)
    alpine.load(CATALOG)
    ubuntu.load(CATALOG, catalog)
    windows.read(CATALOG)
    proofs.read(CATALOG)
    recipe.read(CATALOG)
    for family in family_load.names(CATALOG):
        family_load.load_family(family, CATALOG)
    known = {
        key
        for name in set(FILES.values())
        for schema in schemas(SCHEMAS[name])
        for key in schema.get("properties", {})
    }
    # Of patches and of long-term support, which nothing in the catalog may have, and what loaders
    # take by another name.
    perhaps = {"file", "fixes", "origin", "revisions", "catalog", "until"}
    assert known - asked <= perhaps | set(proofs.KINDS)


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
