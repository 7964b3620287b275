"""Unpacking a source archive, and how many jobs there are."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools.cpython.workspace import MAX_JOBS, available_jobs, extract_source


def test_modes_and_times_are_kept_whoever_owned_the_files(tmp_path: Path) -> None:
    archive = tmp_path / "Python-9.9.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        for number, (name, mode) in enumerate((("configure", 0o755), ("Lib/os.py", 0o644))):
            info = tarfile.TarInfo(f"Python-9.9/{name}")
            # An owner that no sandbox and no user namespace of ours has.
            info.uid = info.gid = 1_999_999
            info.mode, info.mtime, info.size = mode, 1_000_000_000 + number, 1
            tar.addfile(info, io.BytesIO(b"x"))
        link = tarfile.TarInfo("Python-9.9/Lib/same.py")
        link.type, link.linkname, link.mtime = tarfile.LNKTYPE, "Python-9.9/Lib/os.py", info.mtime
        tar.addfile(link)
    extract_source(archive, tmp_path / "src")
    found = {
        str(path.relative_to(tmp_path / "src")): (path.stat().st_mode & 0o777, path.stat().st_mtime)
        for path in (tmp_path / "src").rglob("*")
        if path.is_file()
    }
    assert found == {
        "configure": (0o755, 1_000_000_000),
        "Lib/os.py": (0o644, 1_000_000_001),
        "Lib/same.py": (0o644, 1_000_000_001),
    }


@pytest.mark.parametrize(("cores", "jobs"), [(1, 1), (4, 4), (MAX_JOBS, MAX_JOBS), (64, MAX_JOBS)])
def test_a_job_for_each_core_up_to_a_limit(
    cores: int, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert available_jobs() == jobs


def test_jobs_are_those_of_the_cores_it_may_use() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from tools.cpython.workspace import available_jobs; print(available_jobs())"
    )
    result = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert result.stdout == b"1\n"
