from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.build import build
from tools.rootfs.debian.package import Package
from tools.rootfs.debian.spec import read_spec
from tools.rootfs.debian.state import read_state, write_state
from tools.rootfs.debian.system import System
from tools.rootfs.debian.upper import Place
from tools.rootfs.program_fixtures import ARCHES
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tarout import Tar, write_tar

SYSTEM = (fixtures.SUITE, ARCHES["amd64"], True)


@pytest.fixture
def written(tmp_path: Path) -> System:
    """A tiny base; its tar and its state are in tmp_path."""
    debs = fixtures.tiny_base(tmp_path / "debs")
    packages = [fixtures.package(path) for path in debs]
    tables = fixtures.table(tmp_path, packages, fixtures.TINY_EFFECTS)
    base = fixtures.package_set(tmp_path, "base", debs, {"apt"})
    result = build(read_spec(fixtures.tiny_spec(tmp_path, add=[base])), tables)
    with (tmp_path / "base.tar").open("wb") as out:
        tar = Tar(result.layer.items())
        tar.write(out)
    with (tmp_path / "base.state").open("wb") as out:
        write_state(out, result.system, {}, tar.offsets, 0)
    return result.system


def read(folder: Path) -> tuple[System, dict[str, Place]]:
    return read_state(folder / "base.state", [folder / "base.tar"], *SYSTEM)


def facts(package: Package) -> tuple[object, ...]:
    paths = [(file.path, file.entry.kind, file.entry.mode) for file in package.files]
    control_files = dict(package.control_files)
    return dict(package.control), control_files, package.requested, paths, package.conffiles


def test_the_system_is_what_it_was(written: System, tmp_path: Path) -> None:
    system, places = read(tmp_path)
    assert set(system.tree) == set(written.tree)
    for path, entry in written.tree.entries.items():
        assert entry.same_as(system.tree.entries[path]), path
    assert system.tree.root.same_as(written.tree.root)
    assert list(system.packages) == sorted(written.packages)
    for name, package in written.packages.items():
        assert facts(package) == facts(system.packages[name])
    assert system.epoch == fixtures.EPOCH == written.epoch
    assert system.requested == {"apt"} == written.requested
    assert system.diversions == written.diversions
    assert system.alternatives == written.alternatives
    assert places["etc/passwd"][0] == 0


@pytest.mark.usefixtures("written")
def test_contents_are_not_in_it_but_in_the_tar(tmp_path: Path) -> None:
    content = bytes(read(tmp_path)[0].tree.entries["etc/passwd"].content)
    assert content in (tmp_path / "base.tar").read_bytes()
    assert content not in (tmp_path / "base.state").read_bytes()


@pytest.mark.usefixtures("written")
def test_another_system_is_refused(tmp_path: Path) -> None:
    for other in (
        ("trixie", *SYSTEM[1:]),
        (SYSTEM[0], ARCHES["arm64"], True),
        (*SYSTEM[:2], False),
    ):
        with pytest.raises(RootfsError, match="is of a layer for"):
            read_state(tmp_path / "base.state", [tmp_path / "base.tar"], *other)


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_damaged_state_or_tar_is_refused(tmp_path: Path, size: int) -> None:
    state, tar = tmp_path / "base.state", tmp_path / "base.tar"
    for path in (state, tar):
        whole = path.read_bytes()
        path.write_bytes(whole[: min(size, len(whole) // 2)])
        with pytest.raises(RootfsError, match="is no state of these layers"):
            read(tmp_path)
        path.write_bytes(whole)
    with pytest.raises(RootfsError, match="is no state of these layers"):
        read_state(state, [], *SYSTEM)


def layer(path: Path, mode: str, members: dict[str, bytes | str]) -> Path:
    """A tar of files, links (text) and whiteouts."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_further_layers_are_part_of_the_system(tmp_path: Path, mode: str) -> None:
    """CPython's, or a user's own; a layer upon them finds what they have, and what is gone."""
    upper = layer(
        tmp_path / "upper.tar",
        mode,
        {
            "usr/local/lib/libown.so.1": b"own",
            "usr/local/lib/libown.so": "libown.so.1",
            "etc/passwd": b"changed",
            "etc/.wh.group": b"",
        },
    )
    state, tars = tmp_path / "base.state", [tmp_path / "base.tar", upper]
    system, places = read_state(state, tars, *SYSTEM)
    assert system.tree.read("usr/local/lib/libown.so") == b"own"
    assert system.tree.read("etc/passwd") == b"changed"
    assert "etc/group" not in system.tree

    with (tmp_path / "more.state").open("wb") as out:
        write_state(out, system, places, {}, len(tars))
    with (tmp_path / "more.tar").open("wb") as out:
        write_tar(out, [])
    again, _ = read_state(tmp_path / "more.state", [*tars, tmp_path / "more.tar"], *SYSTEM)
    assert again.tree.read("usr/local/lib/libown.so") == b"own"
    assert again.tree.read("etc/passwd") == b"changed"


@pytest.mark.usefixtures("written")
def test_a_further_layer_that_is_none_is_refused(tmp_path: Path) -> None:
    upper = tmp_path / "upper.tar"
    upper.write_bytes(b"none" * 1000)
    with pytest.raises(RootfsError, match=r"upper\.tar: can't be read as a layer"):
        read_state(tmp_path / "base.state", [tmp_path / "base.tar", upper], *SYSTEM)
