"""The registry is never given a template's placeholders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.release.registry import check
from tools.release.version import ReleaseError

_FILE = ".bcr/metadata.template.json"
_FILLED: dict[str, Any] = {
    "homepage": "https://github.com/example/images",
    "maintainers": [
        {"name": "Ada", "email": "ada@example.org", "github": "ada", "github_user_id": 7}
    ],
    "repository": ["github:example/images"],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(".bcr", tmp_path / ".bcr")
    return tmp_path


def fill_in(root: Path, **values: Any) -> None:
    metadata = json.loads((root / _FILE).read_text())
    (root / _FILE).write_text(json.dumps({**metadata, **_FILLED, **values}))


def test_the_template_alone_is_refused(root: Path) -> None:
    with pytest.raises(ReleaseError) as caught:
        check(root)
    for hole in ("github.com/OWNER/REPO", "MAINTAINER", "EMAIL", "LOGIN", "github_user_id 0"):
        assert hole in str(caught.value)


def test_filled_in_it_is_taken(root: Path) -> None:
    fill_in(root)
    check(root)


@pytest.mark.parametrize(
    "wrong",
    [
        {"homepage": "https://github.com/OWNER/REPO"},
        {"repository": ["github:example/REPO"]},
        {"maintainers": []},
        {"maintainers": [{**_FILLED["maintainers"][0], "github_user_id": 0}]},
    ],
)
def test_one_hole_is_enough(root: Path, wrong: dict[str, Any]) -> None:
    fill_in(root, **wrong)
    with pytest.raises(ReleaseError, match=_FILE):
        check(root)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b'{"homepage": 5, "maintainers": [5], "repository": []}'],
)
def test_what_is_no_metadata(root: Path, content: bytes) -> None:
    (root / _FILE).write_bytes(content)
    with pytest.raises(ReleaseError, match=_FILE):
        check(root)
    (root / _FILE).unlink()
    with pytest.raises(ReleaseError, match=_FILE):
        check(root)


def test_the_source_is_the_archive_of_a_release() -> None:
    source = json.loads(Path(".bcr/source.template.json").read_text())
    # As archive.py names it, and what is in it; the registry's publisher replaces the braces.
    assert source["url"].endswith("/releases/download/{TAG}/python_images-{TAG}.tar.gz")
    assert source["strip_prefix"] == "python_images-{VERSION}"
    assert source["integrity"] == ""
