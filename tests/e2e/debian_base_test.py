"""The locked base sets against debootstrap's own choice of packages, which Docker's images have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.packages.debian import lockfile, mirrors

DEBOOTSTRAP = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
LOCKS = sorted(Path("third_party/debian").glob("*.lock"))


@pytest.mark.skipif(not DEBOOTSTRAP, reason="needs debootstrap on the machine")
@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_base_is_debootstraps_minbase(path: Path, tmp_path: Path) -> None:
    lock = lockfile.read(path)
    run = subprocess.run(
        [
            str(DEBOOTSTRAP),
            "--print-debs",
            "--variant=minbase",
            f"--arch={lock.arch}",
            lock.suite,
            str(tmp_path / "root"),
            mirrors.find_mirrors()[0].main,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if not line.startswith(("I:", "W:"))]
    assert sorted(" ".join(lines).split()) == [p.name for p in lock.in_set("base")]


def test_there_are_locks() -> None:
    assert LOCKS
