from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tools.formats.debian.deb_fixtures import file
from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.package import load_package, load_packages, unpack_all
from tools.rootfs.rootfs_error import RootfsError


def test_a_package_is_read(tmp_path: Path) -> None:
    path = fixtures.deb(
        tmp_path, "a", {"etc/a": b"x", "etc/b": "a"}, Multi_Arch="same", Source="src (2:1.0)"
    )
    found = fixtures.package(path)
    assert [(f.path, f.entry.kind) for f in found.files] == [
        ("etc", "dir"),
        ("etc/a", "file"),
        ("etc/b", "symlink"),
    ]
    assert found.files[1].entry.source == "a"
    assert found.info_name == "a:amd64"
    assert found.source == ("src", "2:1.0")
    assert found.script("postinst") is None


def test_the_source_is_the_package_itself_unless_said(tmp_path: Path) -> None:
    assert fixtures.package(fixtures.deb(tmp_path, "a")).source == (
        "a",
        "1.0-1",
    )
    assert fixtures.package(fixtures.deb(tmp_path, "b", Source="src")).source == ("src", "1.0-1")


def test_unknown_control_files_are_refused(tmp_path: Path) -> None:
    path = fixtures.deb(tmp_path, "a", scripts={"isinstallable": "", "postinst": ""})
    with pytest.raises(RootfsError, match="unknown meaning: isinstallable"):
        load_package(path, False, "amd64")


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    path = fixtures.deb(tmp_path, "a", architecture="arm64")
    with pytest.raises(RootfsError, match="is for arm64, not amd64"):
        load_package(path, False, "amd64")
    assert load_package(fixtures.deb(tmp_path, "a", architecture="all"), False, "amd64")


def test_a_package_twice_is_refused(tmp_path: Path) -> None:
    path = fixtures.deb(tmp_path, "a")
    with pytest.raises(RootfsError, match="is in the set twice"):
        load_packages([(path, False), (path, True)], "amd64")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = file("./dev/x")
    info.type = kind
    path = fixtures.deb(tmp_path, "a", [(info, b"")])
    with pytest.raises(RootfsError, match="neither file, directory nor link"):
        unpack_all([fixtures.package(path)])


def test_damaged_packages_are_named(tmp_path: Path) -> None:
    path = fixtures.deb(tmp_path, "a", {"etc/a": b"x" * 1000})
    data = bytearray(path.read_bytes())
    data[-40] ^= 0xFF  # in the data archive
    path.write_bytes(data)
    with pytest.raises(RootfsError, match=r"a_1\.0-1_amd64\.deb.*\n.*Fetch the package again"):
        unpack_all([fixtures.package(path)])
    path.write_bytes(data[:100])
    with pytest.raises(RootfsError, match="Fetch the package again"):
        load_package(path, False, "amd64")
