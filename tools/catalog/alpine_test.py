"""Images on Alpine: which there are, and what Starlark is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.catalog import alpine, family_load, fixture, load
from tools.catalog.catalog_error import CatalogError


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog with images of 3.14 on two releases of Alpine's."""
    made = fixture.checkout(tmp_path) / "catalog"
    replace(made, "minors: []", 'minors: ["3.14"]')
    return made


def replace(catalog: Path, old: str, new: str) -> None:
    file = catalog / alpine.FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_catalog_without_alpine_has_no_images(catalog: Path) -> None:
    (catalog / "alpine.yaml").unlink()
    assert alpine.read(catalog) is None
    assert alpine.export(load.load(catalog), None) == {"releases": {}, "images": []}


def test_images_of_the_minor_versions_that_have_them(catalog: Path) -> None:
    read = alpine.read(catalog)
    assert read is not None
    whole = load.load(catalog)
    made = alpine.images(whole, read)
    assert {image.version.minor.name for image in made} == {"3.14"}
    assert not [image for image in made if image.version.release.free_threaded]
    first, second = made[:2]
    number = first.version.name
    assert first.tags[:2] == (f"{number}-alpine3.24", "3.14-alpine3.24")
    assert {f"{number}-alpine", "3.14-alpine"} <= set(first.tags)
    assert second.tags[0] == f"{number}-alpine3.23"
    assert not [tag for tag in second.tags if tag.endswith("-alpine")]
    exported = alpine.export(whole, read)
    assert exported["releases"] == {
        "alpine3.24": {
            "branch": "v3.24",
            "platforms": {"amd64": "x86_64", "arm64": "aarch64"},
            "sets": ["base"],
        },
        "alpine3.23": {"branch": "v3.23", "platforms": {"amd64": "x86_64"}, "sets": ["base"]},
    }


def test_no_tag_is_also_an_image_on_debian(catalog: Path) -> None:
    read = alpine.read(catalog)
    assert read is not None
    whole = load.load(catalog)
    debian = {tag for image in whole.images() for tag in image.tags}
    ours = [tag for image in alpine.images(whole, read) for tag in image.tags]
    assert len(set(ours)) == len(ours)
    assert not debian & set(ours)


def test_the_family_of_the_catalog_lists_them(catalog: Path) -> None:
    family = family_load.load_family("current", catalog)
    entries = {entry.variant: entry for entry in family.published() if entry.release.aliases}
    assert entries["alpine3.24"].architectures == ("amd64", "arm64v8")
    assert entries["alpine3.23"].architectures == ("amd64",)


def test_an_unknown_minor_version(catalog: Path) -> None:
    replace(catalog, '["3.14"]', '["3.41"]')
    with pytest.raises(CatalogError, match=r"unknown minor version '3\.41'"):
        alpine.read(catalog)
