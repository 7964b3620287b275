"""Choosing images by names, tags and platforms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.oci.publishing import selection
from tools.oci.publishing.selection import Item
from tools.oci.registry.registry_error import RegistryError

IMAGES = [
    {"name": "3.13.9-slim", "label": "@@//images:3.13.9-slim", "tags": ["3.13-slim", "slim"]},
    {"name": "3.14.1-slim", "label": "@@//images:3.14.1-slim", "tags": ["3.14-slim"]},
    {"name": "3.14.1", "label": "@@//images:3.14.1", "tags": ["3.14", "latest"]},
]
KNOWN = [
    f"@@//images:{name}_{platform}"
    for name, platforms in {
        "3.13.9-slim": ["amd64", "arm64"],
        "3.14.1-slim": ["amd64", "arm64"],
        "3.14.1": ["amd64"],
    }.items()
    for platform in platforms
]


def read(folder: Path, images: list[Any], settings: dict[str, str] | None = None) -> Any:
    path = folder / "selection.json"
    path.write_text(json.dumps({"images": images, "settings": settings or {}}))
    return selection.read(path)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], ["3.13.9-slim", "3.14.1-slim", "3.14.1"]),
        (["3.14*"], ["3.14.1-slim", "3.14.1"]),
        (["slim", "latest"], ["3.13.9-slim", "3.14.1"]),
        (["3.13.9-slim"], ["3.13.9-slim"]),
    ],
)
def test_names_and_tags(tmp_path: Path, patterns: list[str], names: list[str]) -> None:
    assert [item.name for item in read(tmp_path, IMAGES).choose(patterns)] == names


@pytest.mark.parametrize(
    ("patterns", "why"),
    [
        (["3.99*"], "--only 3.99*: no image or tag is named so; there are 3.13-slim, 3.13.9-slim"),
        (["3.14-slmi"], "--only 3.14-slmi: no image or tag is named so; did you mean 3.14-slim or"),
        # The other pattern fits; still nothing is chosen.
        (["slim", "latset"], "--only latset: no image or tag is named so; did you mean latest?"),
    ],
)
def test_a_pattern_that_fits_nothing(tmp_path: Path, patterns: list[str], why: str) -> None:
    with pytest.raises(RegistryError) as error:
        read(tmp_path, IMAGES).choose(patterns)
    assert str(error.value).startswith(why)


def test_two_images_with_a_tag(tmp_path: Path) -> None:
    images = [*IMAGES, {"name": "other", "label": "@@//:other", "tags": ["slim"]}]
    with pytest.raises(RegistryError, match=r"tag slim is given to both 3\.13\.9-slim and other"):
        read(tmp_path, images)


def test_a_wrong_tag(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="'a:b': a tag is up to 128"):
        read(tmp_path, [{"name": "x", "label": "@@//:x", "tags": ["a:b"]}])


def test_platforms(tmp_path: Path) -> None:
    items = read(tmp_path, IMAGES).choose([])
    assert selection.narrow(items, [], KNOWN) == items
    # In whatever order they are named, the same index.
    both = selection.narrow(items, ["arm64", "amd64", "amd64"], KNOWN)
    assert [item.images() for item in both] == [
        ["@@//images:3.13.9-slim_amd64", "@@//images:3.13.9-slim_arm64"],
        ["@@//images:3.14.1-slim_amd64", "@@//images:3.14.1-slim_arm64"],
        ["@@//images:3.14.1_amd64"],
    ]
    # An image without that platform is left out.
    narrowed = selection.narrow(items, ["arm64"], KNOWN)
    assert [item.name for item in narrowed] == ["3.13.9-slim", "3.14.1-slim"]


def test_a_platform_that_no_image_has(tmp_path: Path) -> None:
    items = read(tmp_path, IMAGES).choose(["latest"])
    why = "--platform arm64: no chosen image has it; there are amd64"
    with pytest.raises(RegistryError, match=why):
        selection.narrow(items, ["amd64", "arm64"], KNOWN)


def test_what_signs_an_image() -> None:
    item = Item("slim", "@@//images:slim.sign", ())
    assert (item.image, item.labels(), item.images()) == (
        "@@//images:slim",
        ["@@//images:slim.sign"],
        ["@@//images:slim"],
    )
    (narrowed,) = selection.narrow([item], ["amd64"], ["@@//images:slim_amd64"])
    assert narrowed.labels() == ["@@//images:slim_amd64.sign"]
    assert narrowed.images() == ["@@//images:slim_amd64"]


def test_settings_are_flags(tmp_path: Path) -> None:
    settings = {"@@//python_images:vendor": "Acme & Co", "@@other+//a:b": "c"}
    assert read(tmp_path, IMAGES, settings).flags() == [
        "--//python_images:vendor=Acme & Co",
        "--@@other+//a:b=c",
    ]
