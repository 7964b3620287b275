"""What follows from dates and rows: aliases, the sample, what is archived, long-term support."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.catalog import export, family_load, fixture, lifecycle
from tools.catalog.catalog_error import CatalogError
from tools.catalog.load import ALL, MIRRORED, load
from tools.catalog.model import Catalog

MINORS = "minors:\n"
ROWS = "versions:\n"
FINAL = "    prerelease: true\n"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    made = fixture.checkout(tmp_path) / "catalog"
    # The rules decide, not the rows.
    edit(made, "versions.yaml", '    aliases: ["3", latest]\n', "")
    edit(made, "variants.yaml", "strip: true", "strip: true\n    sample: all")
    return made


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text, old
    (folder / file).write_text(text.replace(old, new, 1))


def add(folder: Path, version: str, more: str = "") -> None:
    """Add a row."""
    row = f"  - version: {version}\n    sha256: {'0' * 64}\n    released: 2026-10-09\n{more}"
    edit(folder, "versions.yaml", ROWS, ROWS + row)


def as_of(folder: Path, day: str) -> None:
    """Say which day the catalog describes."""
    edit(folder, "versions.yaml", MINORS, f"as_of: {day}\n{MINORS}")


def tagged(catalog: Catalog, tag: str) -> str:
    """The published image that has a tag; empty where none has."""
    return "".join(image.name for image in catalog.images() if tag in image.tags)


def sampled(catalog: Catalog) -> dict[str, int]:
    """By minor version, on how many platforms an image is in the sample."""
    return {
        image.version.minor.name: len(image.sample) for image in catalog.images() if image.sample
    }


def test_the_newest_final_minor_has_the_aliases(folder: Path) -> None:
    assert tagged(load(folder), "slim") == "3.14.7-slim-trixie"
    add(folder, "3.15.0rc2")
    assert tagged(load(folder), "slim") == "3.14.7-slim-trixie"


def test_a_final_release_takes_aliases_and_sample_over(folder: Path) -> None:
    add(folder, "3.15.0rc2")
    add(folder, "3.15.0")
    with pytest.raises(CatalogError, match=r'3.15.0 is final, but minors."3.15" has prerelease'):
        load(folder)
    edit(folder, "versions.yaml", FINAL, "    released: 2026-10-09\n")
    catalog = load(folder)
    assert {tag: tagged(catalog, tag) for tag in ("slim", "3-slim", "3.15-slim")} == dict.fromkeys(
        ("slim", "3-slim", "3.15-slim"), "3.15.0-slim-trixie"
    )
    assert sampled(catalog) == {"3.15": 2, "3.14": 1}
    # What it replaces can still be built, by its own tags.
    (candidate, *_) = [image for image in catalog.archive() if "rc2" in image.name]
    assert candidate.tags[:2] == ("3.15.0rc2-slim-trixie", "3.15-rc-slim-trixie")


def test_a_row_may_keep_its_aliases(folder: Path) -> None:
    add(folder, "3.15.0")
    edit(folder, "versions.yaml", FINAL, "    released: 2026-10-09\n")
    edit(folder, "versions.yaml", '  "3.14":\n', '  "3.14":\n    aliases: ["3", latest]\n')
    catalog = load(folder)
    assert tagged(catalog, "slim") == tagged(catalog, "3-slim") == "3.14.7-slim-trixie"
    assert "3.15-slim" in {tag for image in catalog.images() for tag in image.tags}


def test_a_row_may_leave_its_aliases_to_the_one_before(folder: Path) -> None:
    edit(folder, "versions.yaml", '  "3.14":\n', '  "3.14":\n    aliases: []\n')
    assert tagged(load(folder), "slim") == "3.13.15-slim-trixie"


def test_each_major_version_has_its_number(folder: Path) -> None:
    add(folder, "2.7.18")
    catalog = load(folder)
    assert tagged(catalog, "2-slim") == "2.7.18-slim-trixie"
    assert tagged(catalog, "slim") == "3.14.7-slim-trixie"


@pytest.mark.parametrize(("day", "ended"), [("2029-10-31", False), ("2029-11-01", True)])
def test_a_minor_ends_the_day_after_its_last(folder: Path, day: str, ended: bool) -> None:
    as_of(folder, day)
    # Suites would have ended, too.
    suites = folder / "suites.yaml"
    suites.write_text(suites.read_text().replace("eol: 20", "eol: 21"))
    catalog = load(folder)
    assert bool(tagged(catalog, "3.13-slim")) is not ended
    assert any("3.13-slim" in image.tags for image in catalog.archive()) is ended
    assert {release.name for release in family_load.load_family("current", folder).releases} == (
        {"3.14.7"} if ended else {"3.14.7", "3.13.15"}
    )
    archive = family_load.load_family("archive", folder)
    assert [release.name for release in archive.releases] == (["3.13.15"] if ended else [])
    assert [one.name for one in family_load.load_family("infra7", folder).releases] == (
        ["3.14.7"] if ended else ["3.14.7", "3.13.15"]
    )


def test_an_older_row_is_there_to_be_built(folder: Path) -> None:
    add(folder, "3.14.8")
    catalog = load(folder)
    assert tagged(catalog, "3.14-slim") == "3.14.8-slim-trixie"
    (old, *_) = [image for image in catalog.archive() if image.version.name == "3.14.7"]
    assert old.tags == ("3.14.7-slim-trixie", "3.14.7-slim")
    assert sampled(catalog) == {"3.14": 2, "3.13": 1}


def test_long_term_support_is_for_fewer_platforms(folder: Path) -> None:
    edit(
        folder,
        "suites.yaml",
        "    eol: 2026",
        "    lts: {until: 2028-06-30, platforms: [amd64]}\n    eol: 2026",
    )
    (whole, *_) = [image for image in load(folder).images() if image.suite.name == "bookworm"]
    assert len(whole.platforms) > 1
    assert not whole.apart
    as_of(folder, "2026-12-01")
    (image, *_) = [image for image in load(folder).images() if image.suite.name == "bookworm"]
    assert image.platforms == ("amd64",)
    assert image.platforms + image.apart == whole.platforms
    assert family_load.load_family("current", folder).architectures["bookworm"] == ("amd64",)


def test_a_suite_ends_with_its_long_term_support(folder: Path) -> None:
    as_of(folder, "2026-12-01")
    catalog = load(folder)
    assert {image.suite.name for image in catalog.images()} == {"trixie"}
    assert {image.suite.name for image in catalog.archive()} == {"bookworm"}
    (archived, *_) = catalog.archive()
    assert archived.platforms == catalog.suites["bookworm"].platforms
    archive = family_load.load_family("archive", folder)
    assert {name for one in archive.releases for name in one.variants} == {"slim-bookworm"}


def test_the_default_suite_is_one_that_is_supported(folder: Path) -> None:
    as_of(folder, "2026-12-01")
    edit(folder, "suites.yaml", "eol: 2028", "eol: 2025")
    edit(folder, "suites.yaml", "eol: 2026", "eol: 2036")
    catalog = load(folder)
    assert catalog.default_suite.name == "bookworm"
    assert tagged(catalog, "slim") == "3.14.7-slim-bookworm"
    assert lifecycle.roles(catalog)["other_suite"] == "bookworm"


def test_nothing_supported_is_refused(folder: Path) -> None:
    as_of(folder, "2050-01-01")
    with pytest.raises(CatalogError, match="every suite has ended"):
        load(folder)


def test_what_mirrors_lack_can_be_left_out(folder: Path) -> None:
    add(folder, "3.14.8", "    mirrored: false\n")
    assert tagged(load(folder, sources=ALL), "3.14-slim") == "3.14.8-slim-trixie"
    catalog = load(folder, sources=MIRRORED)
    assert tagged(catalog, "3.14-slim") == "3.14.7-slim-trixie"
    assert "3.14.8" not in catalog.versions
    assert not catalog.archive()


@pytest.mark.parametrize(("sources", "release"), [(ALL, "3.14.8"), (MIRRORED, "3.14.7")])
def test_the_export_has_what_can_be_had(folder: Path, sources: str, release: str) -> None:
    add(folder, "3.14.8", "    mirrored: false\n")
    out = folder / "out.json"
    assert export.main([f"--catalog={folder}", f"--output={out}", f"--sources={sources}"]) == 0
    made = json.loads(out.read_text())
    assert made["newest"]["3.14"] == release
    images = made["families"]["infra7"]["images"]
    assert [image["version"] for image in images if "latest" in image["tags"]] == [release]


def test_roles_are_the_first_two_of_each(folder: Path) -> None:
    assert export.export(load(folder))["roles"] == {
        "suite": "trixie",
        "other_suite": "bookworm",
        "minor": "3.14",
        "other_minor": "3.13",
        "platform": "amd64",
        "other_platform": "arm64",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("versions.yaml", FINAL, "", "doesn't say when its first final release was"),
        ("versions.yaml", FINAL, f"{FINAL}    released: 2026-10-09\n", "no final release yet"),
        ("versions.yaml", "    released: 2025-10-07\n", "    released: 2035-01-01\n", "is before"),
        ("versions.yaml", MINORS, f"as_of: today\n{MINORS}", "'today' is not a date"),
        (
            "suites.yaml",
            "    eol: 2026",
            "    lts: {until: 2026-01-01, platforms: [amd64]}\n    eol: 2026",
            "is not after eol",
        ),
        (
            "suites.yaml",
            "    eol: 2026",
            "    lts: {until: 2028-06-30, platforms: [vax]}\n    eol: 2026",
            "unknown platform of the suite 'vax'",
        ),
        (
            "suites.yaml",
            "    eol: 2026",
            "    lts: {until: 2028-06-30, platforms: []}\n    eol: 2026",
            "is empty",
        ),
    ],
)
def test_a_fault_is_named(folder: Path, file: str, old: str, new: str, words: str) -> None:
    edit(folder, file, old, new)
    with pytest.raises(CatalogError, match=words):
        load(folder)
