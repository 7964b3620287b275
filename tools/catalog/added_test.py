"""What another workspace adds: by name over ours, checked as ours, with tags that follow."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tools.catalog import added, export, family_load, fixture
from tools.catalog.added import Added
from tools.catalog.catalog_error import CatalogError
from tools.catalog.load import load

SHA256 = "ab" * 32
PATCH = b"--- a/Lib/os.py\n+++ b/Lib/os.py\n@@ -1 +1 @@\n-old\n+new\n"
VERSIONS = f"""\
versions:
  - version: 3.14.99
    sha256: {SHA256}
    released: 2026-11-30
    source:
      url: https://mirror.acme.example/Python-{{version}}.tar.xz
      pool: pool/acme/python_{{debian}}.orig.tar.xz
      strip_prefix: Python-{{version}}
    revision: 1
    revised: 2026-11-30
    patches:
      - file: patches/fix.patch
        sha256: {hashlib.sha256(PATCH).hexdigest()}
"""
VARIANTS = """\
users:
  acme: {id: 1000, home: /home/acme}
variants:
  jq:
    tag: jq-{suite}
    base: debian:{suite}-slim
    root: debian-slim
    layers: [base, slim]
    strip: true
    user: acme
    suites: [trixie]
    packages: {trixie: acme_debs}
"""
PACKAGES = {"acme_debs": "@@debian~acme_debs"}


@pytest.fixture(name="catalog")
def _catalog(tmp_path: Path) -> Path:
    return fixture.checkout(tmp_path / "ours") / "catalog"


@pytest.fixture(name="theirs")
def _theirs(tmp_path: Path) -> Added:
    folder = tmp_path / "theirs"
    (folder / "patches").mkdir(parents=True)
    (folder / "patches/fix.patch").write_bytes(PATCH)
    (folder / "versions.yaml").write_text(VERSIONS)
    (folder / "variants.yaml").write_text(VARIANTS)
    return Added(
        versions=folder / "versions.yaml", variants=folder / "variants.yaml", packages=PACKAGES
    )


def tags(catalog: Path, more: Added | None = None) -> dict[str, tuple[str, ...]]:
    return {image.name: image.tags for image in load(catalog, more=more).all_images()}


def edit(file: Path | None, old: str, new: str) -> int:
    """Replace ``old``; the line where it stood."""
    assert file is not None
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def test_a_release_of_ones_own_takes_the_tags(catalog: Path, theirs: Added) -> None:
    before = tags(catalog)
    more = dataclasses.replace(theirs, variants=None)
    whole = load(catalog, more=more)
    after = {image.name: image.tags for image in whole.all_images()}
    assert "3.14-slim" in before["3.14.7-slim-trixie"]
    assert "3.14-slim" in after["3.14.99-slim-trixie"]
    assert "3.14.99-r1-slim" in after["3.14.99-slim-trixie"]
    assert after["3.14.7-slim-trixie"] == ("3.14.7-slim-trixie", "3.14.7-slim")
    assert whole.versions["3.14.7"].archived
    facts: Any = export.export(whole)["versions"]
    assert facts["3.14.99"]["url"] == "https://mirror.acme.example/Python-3.14.99.tar.xz"
    assert (facts["3.14.99"]["listed_in"], facts["3.14.7"]["listed_in"]) == ("versions", "catalog")
    assert family_load.load_family("current", catalog, more=more).releases[0].name == "3.14.99"


def test_a_row_takes_the_place_of_ours(catalog: Path, theirs: Added) -> None:
    edit(theirs.versions, "3.14.99", "3.14.7")
    edit(theirs.variants, "  jq:", "  slim:")
    whole = load(catalog, more=theirs)
    assert whole.versions["3.14.7"].sha256 == SHA256
    assert whole.versions["3.14.7"].revised == "3.14.7-r1"
    assert list(whole.variants) == list(load(catalog).variants)
    assert whole.variants["slim"].packages == {"trixie": PACKAGES["acme_debs"]}


def test_a_minor_version_of_ones_own(catalog: Path, theirs: Added) -> None:
    """Its row holds for our releases of it, too."""
    edit(theirs.versions, "3.14.99", "3.16.0")
    rows = '"3.16": {released: 2026-11-30, eol: 2031-11-30}, "3.14": {env: {A: b}, '
    rows += "released: 2025-10-07, eol: 2030-10-31}"
    edit(theirs.versions, "versions:\n", f"minors: {{{rows}}}\nversions:\n")
    whole = load(catalog, more=dataclasses.replace(theirs, variants=None))
    assert "latest" in whole.versions["3.16.0"].aliases
    assert whole.versions["3.14.7"].env["A"] == "b"


def test_revisions_are_of_releases_of_ones_own_too(catalog: Path, theirs: Added) -> None:
    assert theirs.versions is not None
    file = theirs.versions.parent / "python.yaml"
    patches = VERSIONS[VERSIONS.index("    revision: 1") :].replace("revision: 1", "revision: 2")
    file.write_text(f"revisions:\n  - version: 3.14.99\n{patches}")
    whole = load(catalog, more=dataclasses.replace(theirs, revisions=file))
    assert whole.versions["3.14.99"].revised == "3.14.99-r2"


def test_a_variant_of_ones_own_has_tags_and_pages(catalog: Path, theirs: Added) -> None:
    more = dataclasses.replace(theirs, versions=None)
    after = tags(catalog, more)
    assert after["3.14.7-jq-trixie"][:2] == ("3.14.7-jq-trixie", "3.14-jq-trixie")
    assert {"3.14-jq", "3.14.7-jq", "jq"} < set(after["3.14.7-jq-trixie"])
    assert {name: after[name] for name in tags(catalog)} == tags(catalog)
    family = family_load.load_family("current", catalog, more=more)
    assert "jq-trixie" in family.releases[0].variants
    exported: Any = export.export(load(catalog, more=more))["variants"]
    (image,) = [one for one in load(catalog, more=more).images() if one.name == "3.14.7-jq-trixie"]
    assert (image.platforms, image.apart) == (("amd64", "arm64"), ())
    (entry,) = [one for one in family.entries() if one.name == image.name]
    assert entry.architectures == ("amd64", "arm64v8")
    assert exported["jq"]["packages"] == {"trixie": PACKAGES["acme_debs"]}
    assert exported["jq"]["user"]["id"] == 1000
    assert exported["jq"]["user_place"] == "variants.yaml:2"


def test_tools_find_it_below_the_catalog(catalog: Path, theirs: Added) -> None:
    """As //catalog:added puts it there."""
    assert added.below(catalog) == added.NOTHING
    folder = catalog / added.FOLDER
    assert theirs.versions is not None
    theirs.versions.parent.rename(folder)
    assert "3.14.99-jq-trixie" in tags(catalog)
    assert load(catalog).variants["jq"].packages == {"trixie": "acme_debs"}
    assert "3.14.99" in {one.name for one in family_load.load_family("current", catalog).releases}


@pytest.mark.parametrize(
    ("file", "old", "new", "below", "words"),
    [
        ("versions", SHA256, "ab", 0, ["versions[0].sha256", "'ab' is not a SHA-256"]),
        ("versions", "3.14.99", "3.98.1", 0, ["'3.98'", "is not among minors"]),
        ("versions", "versions:\n", "as_of: 2026-11-30\nversions:\n", 0, ["as_of: unknown key"]),
        ("versions", "fix.patch", "fux.patch", 0, ["patches/fux.patch can't be read"]),
        ("versions", "versions:\n", "minor: {}\nversions:\n", 0, ["did you mean minors?"]),
        ("variants", "{trixie: acme_debs}", "{trixie: acme_deb}", 0, ["did you mean acme_debs?"]),
        ("variants", "{trixie: acme_debs}", "{trixy: acme_debs}", 0, ["did you mean trixie?"]),
        ("variants", "suites: [trixie]", "suites: [trixie, bookworm]", 1, ["nothing for bookworm"]),
        ("variants", "[base, slim]", "[slim, base]", 0, ["'base' is locked", "write [base]"]),
        (
            "variants",
            "strip: true",
            "strip: true\n    platforms: [amd46]",
            1,
            ["unknown platform 'amd46'"],
        ),
        ("variants", "[base, slim]", "[slim]", 0, ["'slim' is locked for images with base below"]),
        ("variants", "root: debian-slim", "root: distroless", 1, ["'slim' isn't for root"]),
        ("variants", "user: acme", "user: acne", 0, ["unknown user 'acne'", "did you mean acme?"]),
        ("variants", "tag: jq-{suite}", "tag: slim-{suite}", None, ["docker-library's image"]),
        ("variants", "strip: true", "stripped: true", None, ["has no 'strip'"]),
    ],
)
def test_a_fault_is_one_error_naming_file_line_and_value(
    catalog: Path, theirs: Added, file: str, old: str, new: str, below: int | None, words: list[str]
) -> None:
    path = getattr(theirs, file)
    line = edit(path, old, new)
    with pytest.raises(CatalogError) as caught:
        load(catalog, more=theirs)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    if below is not None:
        assert message.startswith(f"{path}:{line + below}:"), message


def test_no_name_is_two_users(catalog: Path, theirs: Added) -> None:
    """The layer that adds a user has the user's name."""
    acme = VARIANTS.partition("variants:")[0]
    line = edit(catalog / "variants.yaml", "variants:", f"{acme}variants:") + 1
    assert load(catalog, more=theirs).variants["jq"].user
    edit(catalog / "variants.yaml", "id: 1000", "id: 1001")
    with pytest.raises(CatalogError) as caught:
        load(catalog, more=theirs)
    assert str(caught.value).startswith(f"{theirs.variants}:2: users.acme: 'acme' is another user")
    assert f"in catalog/variants.yaml:{line}; choose another name" in str(caught.value)


def test_two_variants_with_one_tag_are_refused(catalog: Path, theirs: Added) -> None:
    edit(theirs.variants, "    user: acme\n", "")
    line = edit(theirs.variants, "tag: jq-{suite}", "tag: slim-{suite}")
    with pytest.raises(CatalogError) as caught:
        load(catalog, more=theirs)
    assert str(caught.value).startswith(f"{theirs.variants}:{line}: variants.jq.tag: 'slim' has")


def test_the_export_takes_the_files(catalog: Path, theirs: Added, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    words = [f"--catalog={catalog}", f"--output={output}", f"--added-versions={theirs.versions}"]
    words.append(f"--added-variants={theirs.variants}")
    assert export.main(words) == 2
    packages = ["--added-packages=acme_debs=@@debian~acme_debs"]
    assert export.main([*words, *packages]) == 0
    names = {image["name"] for image in json.loads(output.read_text())["images"]}
    assert "3.14.99-jq-trixie" in names
