"""Tests of inroot.py: nothing is reached outside of the root, by whatever link."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.sandbox import inroot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("precious")
    (tmp_path / "root").mkdir()
    return tmp_path


@pytest.fixture
def root(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder / "root", os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_links_lead_to_places_in_the_root(folder: Path, root: int) -> None:
    (folder / "root/etc").mkdir()
    (folder / "root/etc/hosts").symlink_to("/real")
    (folder / "root/up").symlink_to("../../..")
    (folder / "root/out").symlink_to(folder / "outside")
    inroot.write_file(root, "/etc/hosts", b"one")
    inroot.write_file(root, "/up/two", b"two")
    assert (folder / "root/real").read_bytes() == b"one"
    assert (folder / "root/two").read_bytes() == b"two"
    with pytest.raises(OSError):
        inroot.write_file(root, "/out/file", b"three")
    assert (folder / "outside/file").read_text() == "precious"


def test_magic_links_are_refused(folder: Path, root: int) -> None:
    victim = os.open(folder / "outside/file", os.O_RDWR)
    inner = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    for path in (f"self/fd/{victim}", "self/cwd/x", "self/root/x", f"self/fd/{root}/x"):
        with pytest.raises(OSError, match="Too many levels"):
            inroot.write_file(inner, path, b"x")
        with pytest.raises(OSError, match="Too many levels"):
            inroot.make_directory(inner, path)
    assert (folder / "outside/file").read_text() == "precious"
    os.close(inner)
    os.close(victim)


def test_what_is_no_regular_file_is_not_written(folder: Path, root: int) -> None:
    os.mkfifo(folder / "root/pipe")
    (folder / "root/folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError):
            inroot.write_file(root, name, b"x")


def test_an_old_file_is_replaced(folder: Path, root: int) -> None:
    (folder / "root/f").write_text("a long old content")
    inroot.write_file(root, "/f", b"new")
    assert (folder / "root/f").read_text() == "new"


def test_directories_are_made(folder: Path, root: int) -> None:
    (folder / "root/a").mkdir()
    (folder / "root/b").symlink_to("a")
    os.close(inroot.make_directory(root, "/b/c/../d/e"))
    os.close(inroot.make_directory(root, "/b/c/../d/e"))
    assert (folder / "root/a/d/e").is_dir()
    os.close(inroot.make_directory(root, "/"))
    os.close(inroot.make_directory(root, "/" + "d/" * 200))


@pytest.mark.parametrize("path", ["/file", "/file/x", "/gone/x", "/a\0b", "/" + "x" * 300])
def test_what_cannot_be_made_is_an_error(folder: Path, root: int, path: str) -> None:
    (folder / "root/file").touch()
    (folder / "root/gone").symlink_to("nowhere")
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    with pytest.raises(OSError):
        inroot.make_directory(root, path)
    assert len(list(descriptors.iterdir())) == before


def test_mount_points(folder: Path, root: int) -> None:
    for directory in (False, True, False, True):
        name = f"a/{directory}"
        os.close(inroot.make_mount_point(root, name, directory=directory))
        assert (folder / "root" / name).is_dir() == directory
