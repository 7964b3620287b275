from __future__ import annotations

from pathlib import Path

import pytest

from tools.rootfs import program_fixtures as make_programs
from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.dpkg_db import write_database, write_extended_states
from tools.rootfs.debian.effects import EFFECTS, generated
from tools.rootfs.debian.package import Package
from tools.rootfs.debian.scripts import ScriptTable, load_table
from tools.rootfs.debian.select import select_packages
from tools.rootfs.debian.steps import installed
from tools.rootfs.debian.system import System, install
from tools.rootfs.layer import layer_of, listing
from tools.rootfs.needed import needed_libraries
from tools.rootfs.program_fixtures import ARCHES
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry


def add(system: System, *packages: Package, table: ScriptTable | None = None) -> System:
    install(system, packages, table or fixtures.empty_table(), EFFECTS, generated)
    return system


def test_usr_is_merged_whoever_makes_the_links(tmp_path: Path) -> None:
    plain = fixtures.package(fixtures.deb(tmp_path, "a", {"lib64/ld.so.2": b"x", "bin/a": b"x"}))
    for files in ({}, {"bin": "usr/bin", "lib64": "usr/lib64"}):
        base = fixtures.package(fixtures.deb(tmp_path, "base-files", files))
        tree = add(fixtures.system(), base, plain).tree
        assert tree.entries["bin"].target == "usr/bin"
        assert tree.entries["lib64"].target == "usr/lib64"
        assert {"usr/bin/a", "usr/lib64/ld.so.2"} <= set(tree)
    odd = fixtures.package(fixtures.deb(tmp_path, "odd", {"bin": "opt/bin"}))
    with pytest.raises(RootfsError, match="/bin: is a symlink of odd"):
        add(fixtures.system(), odd)


def test_a_package_is_installed_once(tmp_path: Path) -> None:
    path = fixtures.deb(tmp_path, "a", {"etc/a": b"x"})
    system = add(fixtures.system(), fixtures.package(path))
    add(system, fixtures.package(path))
    assert system.requested == set()
    add(system, fixtures.package(path, requested=True))
    assert system.requested == {"a"}
    other = fixtures.package(fixtures.deb(tmp_path, "a", Version="2.0"))
    with pytest.raises(RootfsError, match=r"is 2\.0 here and 1\.0-1 in a layer below"):
        add(system, other)


def diverting(folder: Path) -> tuple[Package, ScriptTable]:
    path = fixtures.deb(folder, "a", {"etc/x": b"a"}, scripts={"preinst": "dpkg-divert ...\n"})
    package = fixtures.package(path)
    tables = fixtures.table(folder, [package], {"a.preinst": ["divert"]})
    text = (tables / "tiny.toml").read_text()
    pairs = '["/etc/y", "/etc/y.real"], ["/lib/@TRIPLET@/z", "/lib/@TRIPLET@/z.real"]'
    (tables / "tiny.toml").write_text(f"{text}diversions = [{pairs}]\n")
    return package, load_table(tables / "tiny.toml", EFFECTS)


def test_diverted_files_go_elsewhere(tmp_path: Path) -> None:
    package, table = diverting(tmp_path)
    system = add(fixtures.system(), package, table=table)
    write_database(system)
    assert system.tree.read_text("var/lib/dpkg/diversions") == (
        "/etc/y\n/etc/y.real\na\n/lib/x86_64-linux-gnu/z\n/lib/x86_64-linux-gnu/z.real\na\n"
    )
    victim = fixtures.package(fixtures.deb(tmp_path, "b", {"etc/y": b"b"}))
    add(system, victim, table=table)
    assert "etc/y" not in system.tree
    assert system.tree.read("etc/y.real") == b"b"
    write_database(system)
    # As dpkg does it: the list has the path of the package.
    assert "/etc/y\n" in system.tree.read_text("var/lib/dpkg/info/b.list")


def test_what_a_layer_below_has_cant_be_diverted(tmp_path: Path) -> None:
    package, table = diverting(tmp_path)
    below = fixtures.package(fixtures.deb(tmp_path, "b", {"etc/y": b"b"}))
    system = add(fixtures.system(), below)
    with pytest.raises(RootfsError, match=r"/etc/y: of b, in a layer below, would be moved to"):
        add(system, package, table=table)


def test_tmpfiles_are_refused_where_they_would_be_made(tmp_path: Path) -> None:
    snippet = (
        "# Automatically added by dh_installtmpfiles/13\n"
        'if [ -x "$(command -v systemd-tmpfiles)" ]; then\n'
        'systemd-tmpfiles ${DPKG_ROOT:+--root="$DPKG_ROOT"} --create a.conf || true\nfi\n'
        "# End automatically added section\n"
    )
    package = fixtures.package(fixtures.deb(tmp_path, "a", scripts={"postinst": snippet}))
    add(fixtures.system(), package)
    systemd = fixtures.package(fixtures.deb(tmp_path, "s", {"usr/bin/systemd-tmpfiles": b"x"}))
    with pytest.raises(RootfsError, match="calls systemd-tmpfiles"):
        add(fixtures.system(), package, systemd)


def test_the_package_database(tmp_path: Path) -> None:
    path = fixtures.deb(
        tmp_path,
        "a",
        {"etc/a.conf": b"x", "usr/bin/a": b"x"},
        scripts={
            "conffiles": "/etc/a.conf\nremove-on-upgrade /etc/old\n",
            "triggers": "# words\ninterest-noawait /etc/x\ninterest t\nactivate-noawait ldconfig\n",
            "postinst": "",
        },
        Multi_Arch="same",
        Depends="b",
    )
    system = add(
        fixtures.system(),
        fixtures.package(path, requested=True),
        fixtures.package(fixtures.deb(tmp_path, "b", architecture="all")),
    )
    write_database(system)
    write_extended_states(system)
    read = system.tree.read_text
    assert read("var/lib/dpkg/status") == (
        "Package: a\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\n"
        "Version: 1.0-1\nDepends: b\n"
        "Conffiles:\n /etc/a.conf 9dd4e461268c8034f5c8564e155c67a6\n"
        " /etc/old newconffile remove-on-upgrade\n"
        "Description: for tests\n\n"
        "Package: b\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0-1\n"
        "Description: for tests\n\n"
    )
    assert (
        read("var/lib/dpkg/info/a:amd64.list") == "/etc\n/etc/a.conf\n/usr\n/usr/bin\n/usr/bin/a\n"
    )
    assert system.tree.entries["var/lib/dpkg/info/a:amd64.postinst"].mode == 0o755
    assert "var/lib/dpkg/info/b.list" in system.tree
    assert read("var/lib/dpkg/triggers/File") == "/etc/x a:amd64/noawait\n"
    assert read("var/lib/dpkg/triggers/t") == "a:amd64\n"
    states = "Package: b\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    assert read("var/lib/apt/extended_states") == states
    assert '"requested": true' in installed(system)


@pytest.mark.parametrize(
    ("scripts", "problem"),
    [
        ({"conffiles": "/etc/none\n"}, "names no file of the package"),
        ({"conffiles": "new-flag /etc/a\n"}, "names no file of the package"),
        ({"triggers": "interest-later x\n"}, "has the line 'interest-later x'"),
    ],
)
def test_odd_control_files(tmp_path: Path, scripts: dict[str, str], problem: str) -> None:
    system = add(
        fixtures.system(),
        fixtures.package(fixtures.deb(tmp_path, "a", scripts=scripts)),
    )
    with pytest.raises(RootfsError, match=problem):
        write_database(system)


def test_a_layer_is_what_is_new() -> None:
    same = Entry("file", 0o644, content=b"same")
    below = {"a": same, "b": Entry("file", 0o644, content=b"old"), "f": same}
    above = {
        "a": same,
        "b": Entry("file", 0o644, content=b"new"),
        "c": Entry("symlink", 0o777, target="a"),
        "f": Entry("file", 0o644, content=memoryview(b"same")),
        "g": Entry("hardlink", 0o644, target="a"),
    }
    # A hard link brings its file along.
    assert list(layer_of(below, above)) == ["a", "b", "c", "g"]
    with pytest.raises(RootfsError, match="/b: of a layer below would have to be removed"):
        layer_of(below, {"a": same})


def test_a_listing_tells_all() -> None:
    entries = {
        "": Entry("dir", 0o755),
        "a": Entry("file", 0o4755, 1, 2, content=b"x"),
        "b": Entry("symlink", 0o777, target="a b"),
        "c": Entry("hardlink", 0o644, target="a"),
    }
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert listing(entries) == (
        f"d 0755 0:0 /\nf 4755 1:2 1 {digest} /a\nl 0777 0:0 -> a b /b\nh 0644 0:0 = a /c\n"
    )


@pytest.fixture
def candidates(tmp_path: Path) -> list[Package]:
    lib = "usr/lib/x86_64-linux-gnu"
    shlibs = {"shlibs": "x\n"}

    def library(soname: str, needed: list[str]) -> dict[str, bytes]:
        return {f"{lib}/{soname}": make_programs.elf(soname, needed)}

    one = library("libone.so.1", ["libtwo.so.2"])
    two = library("libtwo.so.2", ["libc.so.6"])
    dev = library("libdev.so.1", [])
    libc = library("libc.so.6", [])
    depends = "one-common (>= 1) | other, libtwo2:any, libc6"
    debs = [
        fixtures.deb(tmp_path, "libone1", one, scripts=shlibs, Depends=depends),
        fixtures.deb(tmp_path, "libtwo2", two, scripts=shlibs),
        fixtures.deb(tmp_path, "common", architecture="all", Provides="other, x (= 1)"),
        fixtures.deb(tmp_path, "libone-dev", dev),
        fixtures.deb(tmp_path, "libc6", libc, scripts=shlibs),
    ]
    return [fixtures.package(path) for path in debs]


def libc_system(candidates: list[Package]) -> System:
    return add(fixtures.system(), candidates[-1])


def test_selection_follows_libraries_and_dependencies(candidates: list[Package]) -> None:
    system = libc_system(candidates)
    chosen = select_packages(system, candidates, {"libone.so.1": "bin/python"})
    assert [(p.name, p.requested) for p in chosen] == [
        ("common", False),
        ("libone1", True),
        ("libtwo2", True),
    ]
    # An installed package is not installed again, but nobody may remove it any more.
    assert system.requested == {"libc6"}


def test_selection_of_nothing(candidates: list[Package]) -> None:
    assert select_packages(libc_system(candidates), candidates, {}) == []


def test_selection_fails_for_libraries_and_dependencies_nobody_has(
    candidates: list[Package],
) -> None:
    system = libc_system(candidates)
    with pytest.raises(RootfsError, match=r"libdev\.so\.1: is needed by bin/x"):
        select_packages(system, candidates, {"libdev.so.1": "bin/x"})
    with pytest.raises(RootfsError, match=r"libone1: depends on one-common \| other"):
        without = [p for p in candidates if p.name != "common"]
        select_packages(system, without, {"libone.so.1": "bin/x"})


def test_needs_of_programs(tmp_path: Path) -> None:
    path = make_programs.programs(
        tmp_path / "cpython.tar",
        {
            "usr/local/bin/python": make_programs.elf(None, ["libpython3.so", "libc.so.6"]),
            "usr/local/lib/libpython3.so": make_programs.elf("libpython3.so", ["libm.so.6"]),
            "usr/local/lib/_tkinter.cpython-313.so": make_programs.elf(None, ["libtk8.6.so"]),
            "usr/local/bin/pip": b"#!/usr/local/bin/python",
        },
    )
    assert needed_libraries(path, fixtures.AMD64) == {
        "libc.so.6": "usr/local/bin/python",
        "libm.so.6": "usr/local/lib/libpython3.so",
    }
    other = ARCHES["arm64"]
    with pytest.raises(RootfsError, match="is not made for arm64"):
        needed_libraries(path, other)
    (tmp_path / "bad.tar").write_bytes(b"x" * 2000)
    with pytest.raises(RootfsError, match="can't be read"):
        needed_libraries(tmp_path / "bad.tar", fixtures.AMD64)
    broken = make_programs.programs(tmp_path / "broken.tar", {"a": b"\x7fELF\x02\x01"})
    with pytest.raises(RootfsError, match=r"broken\.tar: a: is a damaged ELF"):
        needed_libraries(broken, fixtures.AMD64)
