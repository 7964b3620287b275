"""Tests of removal.py."""

import os
import resource
import sys
from pathlib import Path

import pytest

from tools.sandbox import removal


def empty(folder: Path) -> None:
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        removal.empty(descriptor)
    finally:
        os.close(descriptor)


def test_all_kinds_of_things_go(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    (folder / "a/b/c").mkdir(parents=True)
    (folder / "a/b/file").write_text("x")
    os.mkfifo(folder / "a/pipe")
    for number in range(300):
        (folder / f"a/{number}/{number}").mkdir(parents=True)
    empty(folder)
    assert list(folder.iterdir()) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither to remove what they lead to, nor to change its mode."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    (tmp_path / "kept").write_text("x")
    folder = tmp_path / "f"
    (folder / "a").mkdir(parents=True)
    for place in (folder, folder / "a"):
        (place / "dir").symlink_to(outside)
        (place / "file").symlink_to(tmp_path / "kept")
        (place / "loop").symlink_to("loop")
    empty(folder)
    assert list(folder.iterdir()) == []
    assert outside.stat().st_mode & 0o777 == 0o500
    assert (tmp_path / "kept").read_text() == "x"


def test_closed_directories_are_opened(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    (folder / "a/b/c").mkdir(parents=True)
    (folder / "a/b/file").touch()
    for name in ("a/b/c", "a/b", "a"):
        (folder / name).chmod(0)
    empty(folder)
    assert list(folder.iterdir()) == []


def test_depth_costs_nothing(tmp_path: Path) -> None:
    """Neither descriptors nor stack. Not thousands deep: what cleans up after us may die of it."""
    folder = tmp_path / "f"
    (folder / "/".join(["d"] * 300)).mkdir(parents=True)
    depth, (soft, hard) = sys.getrecursionlimit(), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    sys.setrecursionlimit(200)
    try:
        empty(folder)
    finally:
        sys.setrecursionlimit(depth)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert list(folder.iterdir()) == []


def test_a_link_in_a_directory_s_place_is_not_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody swaps it in between looking and opening."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "f"
    (folder / "a").mkdir(parents=True)
    looked = removal._names

    def swap(descriptor: int) -> list[tuple[str, bool]]:
        names = looked(descriptor)
        if (folder / "a").is_dir() and not (folder / "a").is_symlink():
            (folder / "a").rmdir()
            (folder / "a").symlink_to(outside)
        return names

    monkeypatch.setattr(removal, "_names", swap)
    with pytest.raises(OSError):
        empty(folder)
    assert (outside / "kept").exists()
