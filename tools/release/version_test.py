"""One version, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.release.version import ReleaseError, check_tag, notes, version
from tools.testing.checkout import source


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose version is 1.2.3 everywhere."""
    asks = 'bazel_dep(name = "python_images", version = "1.2.3")\n'
    (tmp_path / "MODULE.bazel").write_text('module(\n    name = "it",\n    version = "1.2.3",\n)\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changes\n\n## 1.2.3\n\n- New.\n\n## 1.2.2\n\n- Old.\n"
    )
    (tmp_path / "README.md").write_text("It.\n")
    for file in ("docs/using.md", "examples/app/MODULE.bazel"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text(asks)
    return tmp_path


def change(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new, 1))


def test_this_repositorys_agree() -> None:
    found = version(source())
    assert check_tag(source(), f"v{found}") == found
    assert notes(source())


def test_the_newest_section_is_the_release(root: Path) -> None:
    assert version(root) == "1.2.3"
    assert notes(root) == "- New.\n"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("MODULE.bazel", "CHANGELOG.md: the first section is '1.2.3', and MODULE.bazel has 1.2.4"),
        ("CHANGELOG.md", "CHANGELOG.md: the first section is '1.2.4', and MODULE.bazel has 1.2.3"),
        ("docs/using.md", "docs/using.md: asks for python_images '1.2.4'; make it 1.2.3"),
        ("examples/app/MODULE.bazel", "examples/app/MODULE.bazel: asks for python_images '1.2.4'"),
    ],
)
def test_one_that_differs_is_named(root: Path, file: str, said: str) -> None:
    change(root, file, "1.2.3", "1.2.4")
    with pytest.raises(ReleaseError) as caught:
        version(root)
    assert said in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "1.2", "v1.2.3", "2026.11", "1.2.3.4"])
def test_a_version_that_is_none(root: Path, wrong: str) -> None:
    change(root, "MODULE.bazel", "1.2.3", wrong)
    with pytest.raises(ReleaseError, match=r"MODULE.bazel: version '.*' is not X.Y.Z"):
        version(root)


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.2", "v1.2.3-rc1", "refs/tags/v1.2.3"])
def test_another_tag_is_refused(root: Path, tag: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        check_tag(root, tag)
    assert f"tag {tag!r}: MODULE.bazel and CHANGELOG.md have 1.2.3" in str(caught.value)


def test_a_changelog_without_words(root: Path) -> None:
    change(root, "CHANGELOG.md", "- New.", "")
    with pytest.raises(ReleaseError, match=r"CHANGELOG.md: section '1.2.3' is empty"):
        notes(root)
    (root / "CHANGELOG.md").write_text("# Changes\n")
    with pytest.raises(ReleaseError, match=r"the first section is ''"):
        version(root)
