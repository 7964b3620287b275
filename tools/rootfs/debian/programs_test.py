from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.programs import Programs
from tools.rootfs.rootfs_error import RootfsError


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


def test_only_what_a_package_depends_on_is_unpacked(tmp_path: Path, tree: Path) -> None:
    files: dict[str, dict[str, Any]] = {
        "aa": {"usr/bin/a": b"", "usr/share/doc/a/copyright": b"", "usr/lib/a/gconv/x.so": b""},
        "bb": {"lib/b.so": b"", "lib/b.so.1": "/lib/b.so"},
        "cc": {"usr/bin/c": b""},
        "dd": {"usr/lib/d": b""},
    }
    depends = {"aa": "none | bb (>= 1), virtual", "bb": "dd:any", "cc": "aa"}
    debs = [
        fixtures.deb(tmp_path, name, files[name], Version="1-1", Depends=depends.get(name, "none"))
        for name in files
    ]
    programs = Programs(debs)

    def found() -> set[str]:
        return {
            str(path.relative_to(programs.top))
            for path in programs.top.rglob("*")
            if path.is_file() and path.is_relative_to(programs.top / "usr")
        }

    programs.require(fixtures.package(fixtures.deb(tree, "aa", Version="1-2")))
    assert found() == {"usr/bin/a", "usr/lib/b.so", "usr/lib/b.so.1", "usr/lib/d"}
    programs.require(fixtures.package(fixtures.deb(tree, "bb", Version="1-2")))
    programs.unpack_all()
    assert found() == {"usr/bin/a", "usr/bin/c", "usr/lib/b.so", "usr/lib/b.so.1", "usr/lib/d"}
