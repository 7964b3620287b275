"""The patched source of a real release: git's files where the patch is, the release's elsewhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tools.patches import unified, upstream

PATCH, PATCHED, SOURCE = (Path(os.environ[name]) for name in ("PATCH", "PATCHED", "SOURCE"))


def members(archive: Path) -> dict[str, tuple[object, ...]]:
    """All that an archive says of each member: its kind, mode, time, owner, target and content."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            found[member.name.partition("/")[2]] = (
                member.type,
                member.mode,
                int(member.mtime),
                member.uid,
                member.gid,
                member.uname,
                member.gname,
                member.linkname,
                hashlib.sha256(file.read()).hexdigest() if file else "",
            )
    return found


@pytest.mark.skipif(not shutil.which("git"), reason="SKIPPED: needs git")
def test_the_patched_tree_is_git_s(tmp_path: Path) -> None:
    before, after = members(SOURCE), members(PATCHED)
    paths = {change.path for change in unified.parse(PATCH.read_bytes())}
    assert {path for path in after if after[path] != before.get(path)} == paths
    assert before.keys() <= after.keys()
    with tarfile.open(SOURCE) as tar:
        wanted = [one for one in tar if one.name.partition("/")[2] in paths]
        tar.extractall(tmp_path, wanted, filter="data")
    (tree,) = tmp_path.iterdir()
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-p1", PATCH.absolute()],
        check=True,
        cwd=tree,
        # Not the repository around it, if there is one.
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent), "GIT_DIR": "/nonexistent"},
    )
    for path in paths:
        content = (tree / path).read_bytes()
        assert after[path][-1] == hashlib.sha256(content).hexdigest(), path
        # make goes by times: what was patched isn't newer than what was made of it.
        assert after[path][2] == before.get(path, after[path])[2]


def test_the_release_does_not_have_the_fix_and_the_patched_one_has() -> None:
    assert upstream.state(PATCH.read_bytes(), SOURCE) == "applies"
    assert upstream.state(PATCH.read_bytes(), PATCHED) == "contained"
