"""The layer that takes pip away."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tools.rootfs.settings import without
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

SITE = "usr/local/lib/python3.14/site-packages"
BUNDLED = "usr/local/lib/python3.14/ensurepip/_bundled"


def run(folder: Path, *paths: str) -> int:
    with (folder / "base.tar").open("wb") as out:
        write_tar(out, [(path, Entry("file", 0o644)) for path in paths])
    return without.main([f"--layer={folder}/out.tar", "--what=pip", f"--below={folder}/base.tar"])


def test_pip_and_all_that_brings_it_back_is_gone(tmp_path: Path) -> None:
    pips = ["usr/local/bin/pip", "usr/local/bin/pip3", "usr/local/bin/pip3.14"]
    kept = [
        f"{SITE}/pipenv",
        f"{SITE}/pip_tools-7.dist-info",
        "usr/local/bin/pipx",
        f"{SITE}/pip/a",
    ]
    found = [*pips, f"{SITE}/pip", f"{SITE}/pip-26.1.dist-info", f"{BUNDLED}/pip-26.1.whl"]
    assert run(tmp_path, *found, *kept) == 0
    with tarfile.open(tmp_path / "out.tar") as archive:
        names = archive.getnames()
    assert sorted(names) == sorted(
        f"{path.rpartition('/')[0]}/.wh.{path.rpartition('/')[2]}" for path in found
    )


def test_a_base_without_pip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "usr/local/bin/python3") == 2
    assert "pip = False: the base has no pip" in capsys.readouterr().err
    assert not (tmp_path / "out.tar").exists()
