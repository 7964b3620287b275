"""The backend that stands in for setuptools: pip gets name and version, and nothing else runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools.wheels import metadata_only


def test_pip_downloads_and_runs_nothing(tmp_path: Path) -> None:
    source = tmp_path / "Odd_Name-1.5"
    source.mkdir()
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: odd-name\nVersion: 1.5\n")
    (source / "setup.py").write_text("raise SystemExit('setup.py has run')\n")
    served = tmp_path / "served"
    served.mkdir()
    with tarfile.open(served / "odd_name-1.5.tar.gz", "w:gz") as tar:
        tar.add(source, "odd_name-1.5")
    backend = tmp_path / "backend/setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    (backend / "build_meta.py").write_bytes(Path(metadata_only.__file__).read_bytes())
    command = [sys.executable, f"{os.environ['PIP']}/pip", "download", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--use-pep517", "--no-binary=:all:", "odd-name==1.5"]
    done = subprocess.run(
        [*command, f"--find-links={served}", f"--dest={tmp_path / 'out'}"],
        env={"PYTHONPATH": str(backend.parent), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["odd_name-1.5.tar.gz"]


def test_the_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("PKG-INFO").write_text("Name: odd-name\nVersion: 1.5\nSummary: ü\n", encoding="utf-8")
    made = metadata_only.prepare_metadata_for_build_wheel(str(tmp_path))
    assert made == "odd_name-1.5.dist-info"
    assert "Summary: ü" in (tmp_path / made / "METADATA").read_text(encoding="utf-8")
