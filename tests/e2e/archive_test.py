"""The archive of a release is the module: made twice, unpacked, and used by another workspace."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.roles import OTHER_SUITE
from tools.release import version
from tools.testing.checkout import Checkout, scratch_root, source

GIT = ("git", "-c", "safe.directory=*", "-c", "user.name=test", "-c", "user.email=test@localhost")
CHEAP = f"@python_images//images/debian:{OTHER_SUITE}-slim_amd64"


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*GIT, *arguments], cwd=repository, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def archive(repository: Path, tag: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [os.environ["ARCHIVE"], "--tag", tag, "--out", "release"],
        env={**os.environ, "BUILD_WORKING_DIRECTORY": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True)
class Repository:
    """A repository whose one commit is the checkout under test, with what isn't committed yet."""

    path: Path
    version: str

    @property
    def tag(self) -> str:
        return f"v{self.version}"

    @property
    def archive(self) -> Path:
        return self.path / f"release/python_images-{self.tag}.tar.gz"


@pytest.fixture(scope="module", name="repository")
def _repository() -> Iterator[Repository]:
    if not shutil.which("git"):
        pytest.skip("SKIPPED: git is not installed")
    try:
        listed = git(source(), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"SKIPPED: {source()} is no git checkout: {error.stderr.strip()}")
    root = scratch_root() / f"archive.{os.getpid()}"
    path = root / "repository"
    path.mkdir(parents=True)
    try:
        for name in filter(None, listed.split("\0")):
            if (source() / name).is_symlink() or (source() / name).exists():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source() / name, path / name, follow_symlinks=False)
        git(path, "init", "--quiet")
        git(path, "add", "--all")
        git(path, "commit", "--quiet", "--message", "Release")
        yield Repository(path, version.version(path))
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module", name="made")
def _made(repository: Repository) -> Repository:
    done = archive(repository.path, repository.tag)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(repository.archive)
    return repository


def test_another_clone_gives_the_same_bytes(made: Repository, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(made.path), "clone")
    clone = Repository(tmp_path / "clone", made.version)
    # What a user may have set: it must not show.
    git(clone.path, "config", "tar.umask", "0077")
    done = archive(clone.path, clone.tag)
    assert done.returncode == 0, done.stderr
    assert clone.archive.read_bytes() == made.archive.read_bytes()


def test_all_tracked_files_are_in_it(made: Repository) -> None:
    tracked = set(git(made.path, "ls-files", "-z").split("\0")) - {""}
    prefix = f"python_images-{made.version}/"
    with tarfile.open(made.archive) as members:
        files = {m.name.removeprefix(prefix): m for m in members if not m.isdir()}
        assert set(files) == tracked
        for name in ("MODULE.bazel", "LICENSE", "bazelw", ".bazelversion"):
            packed = members.extractfile(files[name])
            assert packed
            assert packed.read() == (made.path / name).read_bytes()
        assert files["bazelw"].mode & 0o111


def test_the_notes_are_the_changelogs(made: Repository) -> None:
    notes = (made.path / "release/notes.md").read_text()
    assert notes.strip()
    assert notes in (made.path / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("tag", ["v0.0.0", "1", "latest"])
def test_another_tag_gives_none(repository: Repository, tag: str) -> None:
    done = archive(repository.path, tag)
    assert done.returncode == 1
    assert f"error: tag {tag!r}: MODULE.bazel and CHANGELOG.md have" in done.stderr
    assert not (repository.path / f"release/python_images-{tag}.tar.gz").exists()


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("/tests export-ignore", "git archive leaves out or rewrites tests/"),
        ("LICENSE eol=crlf text", "git archive leaves out or rewrites LICENSE;"),
    ],
)
def test_what_would_differ_is_named(
    repository: Repository, tmp_path: Path, attributes: str, said: str
) -> None:
    git(tmp_path, "clone", "--quiet", str(repository.path), "clone")
    (tmp_path / "clone/.gitattributes").write_text(attributes + "\n")
    git(tmp_path / "clone", "add", "--all")
    git(tmp_path / "clone", "commit", "--quiet", "--message", "Change the archive")
    done = archive(tmp_path / "clone", repository.tag)
    assert done.returncode == 1
    assert said in done.stderr
    assert not list((tmp_path / "clone/release").glob("*.tar.gz*"))


def test_a_workspace_uses_it(made: Repository) -> None:
    root = scratch_root() / f"archive_user.{os.getpid()}"
    user = Checkout(root / "user", root / "output_base")
    try:
        user.path.mkdir(parents=True)
        with tarfile.open(made.archive) as members:
            members.extractall(root, filter="data")
        # The archive's own bazelw, as docs/bootstrap.md has it for other workspaces.
        (user.path / "bazelw").symlink_to(root / f"python_images-{made.version}/bazelw")
        digest = base64.b64encode(hashlib.sha256(made.archive.read_bytes()).digest()).decode()
        (user.path / "MODULE.bazel").write_text(
            'module(name = "user")\n'
            f'bazel_dep(name = "python_images", version = "{made.version}")\n'
            "archive_override(\n"
            '    module_name = "python_images",\n'
            f'    integrity = "sha256-{digest}",\n'
            f'    strip_prefix = "python_images-{made.version}",\n'
            f'    urls = ["file://{made.archive}"],\n'
            ")\n"
        )
        (user.path / "BUILD.bazel").write_text("")
        done = user.bazel("build", "--nobuild", CHEAP)
        assert done.status == 0, done.errors
        missing = user.bazel("build", "--nobuild", CHEAP + "_typo")
        assert missing.status != 0
        assert "no such target" in missing.output
    finally:
        if (user.path / "bazelw").exists():
            user.bazel("shutdown")
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)
