"""Generates the JIT's code again, elsewhere, by one compiler at a time: the bytes must be the same.

What to compare with comes in environment variables: see stencils_test in
python_images/private/cpython/cpythons.bzl.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.cpython import stencils


def test_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    os.umask(0o077)
    work, out = tmp_path / "a_much_longer_work_directory", tmp_path / "again.tar"
    options = [*os.environ["OPTIONS"].split("\n"), "--jobs=1", f"--work={work}", f"--out={out}"]
    assert stencils.main(options) == 0
    assert out.read_bytes() == Path(os.environ["STENCILS"]).read_bytes()
