"""The archive of a release is of a commit, or there is none."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tools.release import archive

_GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@localhost")


def git(repository: Path, *words: str) -> None:
    subprocess.run([*_GIT, *words], cwd=repository, capture_output=True, check=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit, whose version is 1.2.3."""
    if not shutil.which("git"):
        pytest.skip("SKIPPED: git is not installed")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "MODULE.bazel").write_text('module(name = "it", version = "1.2.3")\n')
    (root / "CHANGELOG.md").write_text("# Changes\n\n## 1.2.3\n\n- New.\n")
    (root / "link").symlink_to(os.fsdecode(b"\xff"))
    Path(os.fsdecode(bytes(root) + b"/\xfe")).write_bytes(b"\0")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    return root


def run(root: Path, *more: str, out: str = "release") -> int:
    return archive.main(["--tag=v1.2.3", f"--out={out}", *more], root)


def fails(root: Path, capsys: pytest.CaptureFixture[str], *more: str, out: str = "release") -> str:
    """What is said in one line; nothing is written."""
    before = sorted(root.rglob("*"))
    assert run(root, *more, out=out) == 1
    said, err = capsys.readouterr()
    assert said == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert [one for one in sorted(root.rglob("*")) if one.is_file()] == [
        one for one in before if one.is_file()
    ]
    return err


def test_a_repository_with_names_that_are_no_text(root: Path) -> None:
    assert run(root) == 0
    with tarfile.open(root / "release/python_images-v1.2.3.tar.gz") as members:
        names = {os.fsencode(member.name) for member in members}
    assert b"python_images-1.2.3/\xfe" in names
    assert (root / "release/notes.md").read_text() == "- New.\n"


@pytest.mark.parametrize("file", ["MODULE.bazel", "CHANGELOG.md"])
def test_a_file_that_can_not_be_read(
    root: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    (root / file).write_bytes(b"\xff")
    assert f"{file}: can't be read" in fails(root, capsys)
    (root / file).unlink()
    assert f"{file}: can't be read" in fails(root, capsys)
    (root / file).mkdir()
    assert f"{file}: can't be read" in fails(root, capsys)


def test_a_module_file_that_is_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "MODULE.bazel").write_text("module(")
    assert "MODULE.bazel:1: not a MODULE.bazel" in fails(root, capsys)


def test_another_folder_than_the_repository(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is this the repository?" in fails(root, capsys, f"--checkout={tmp_path}")
    for name in ("MODULE.bazel", "CHANGELOG.md"):
        shutil.copy(root / name, tmp_path)
    shutil.rmtree(root / ".git")
    assert "not a git repository" in fails(root, capsys)


def test_what_is_not_committed_is_no_release(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (root / "CHANGELOG.md").open("a") as file:
        file.write("- More.\n")
    assert "not committed: CHANGELOG.md; the archive is of the commit" in fails(root, capsys)


def test_a_file_in_place_of_the_folder(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "File exists" in fails(root, capsys, out="MODULE.bazel")
    assert "Not a directory" in fails(root, capsys, out="MODULE.bazel/below")


def test_without_git(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "git: not found; install git" in fails(root, capsys)


def test_a_full_disk_leaves_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: gzip.GzipFile, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gzip.GzipFile, "write", full)
    assert "No space left on device" in fails(root, capsys)
