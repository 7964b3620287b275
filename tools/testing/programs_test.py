"""Tests of tools/testing/programs.py."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.testing.programs import as_root, without


def program(path: Path, says: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)


def test_only_what_is_named_is_gone(tmp_path: Path) -> None:
    program(tmp_path / "one/skopeo", "one")
    program(tmp_path / "one/umoci", "one")
    program(tmp_path / "two/skopeo", "two")
    program(tmp_path / "three/crane", "three")
    (tmp_path / "links").mkdir()
    path = ":".join(str(tmp_path / name) for name in ("one", "two", "three", "absent"))
    assert shutil.which("skopeo", path=path)
    left = without(["skopeo", "cosign"], path, tmp_path / "links")
    assert shutil.which("skopeo", path=left) is None
    found = shutil.which("umoci", path=left)
    assert found
    assert subprocess.run([found], capture_output=True, check=True).stdout == b"one\n"
    assert left.split(":")[2:] == path.split(":")[2:]
    assert without(["cosign"], path, tmp_path / "links") == path


def test_a_command_as_root() -> None:
    words = as_root()
    if words is None:
        pytest.skip("SKIPPED: this is neither root nor are there user namespaces")
    done = subprocess.run([*words, "id", "-u"], capture_output=True, check=True)
    assert done.stdout == b"0\n"
