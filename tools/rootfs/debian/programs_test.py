from __future__ import annotations

from pathlib import Path

import pytest

from tools.rootfs.debian import fixtures
from tools.rootfs.debian.programs import Programs
from tools.rootfs.errors import RootfsError


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    path = fixtures.deb(tmp_path, "mime", {"usr/bin/m": b"x"}, Version="1:2.2-1+deb12u9")
    return Programs([path])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder for packages of the tree."""
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("version", ["1:2.2-1+deb12u9", "1:2.2-1+deb12u8", "1:2.2-1+b3"])
def test_another_revision_of_debian_will_do(programs: Programs, tree: Path, version: str) -> None:
    programs.require(fixtures.package(fixtures.deb(tree, "mime", Version=version)))
    assert (programs.top / "usr/bin/m").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("name", "version", "have"),
    [
        ("mime", "1:2.3-1", "1:2.2-1.deb12u9"),
        ("mime", "2.2-1", "1:2.2-1.deb12u9"),
        ("gdk", "1:2.2-1", "missing"),
    ],
)
def test_another_version_will_not(
    programs: Programs, tree: Path, name: str, version: str, have: str
) -> None:
    package = fixtures.package(fixtures.deb(tree, name, Version=version))
    with pytest.raises(RootfsError, match=f"{name} {version}: needs its own .* is {have}"):
        programs.require(package)
