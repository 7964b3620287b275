"""Merging packages into relocatable trees."""

from __future__ import annotations

import os
import struct
import tarfile
from pathlib import Path

import pytest

from toolchains.trees import build_launcher, pack_debs
from toolchains.trees.tree import (
    Entry,
    Tree,
    TreeError,
    merged_path,
    read_packages,
    relative_target,
    write_tar,
)
from toolchains.trees.unpack import extract
from tools.formats import elf
from tools.formats.debian.deb_fixtures import directory, file, make_deb, symlink


def program(machine: int = elf.EM_X86_64, loader: bool = True, bits: int = 64) -> bytes:
    """An ELF file of one program header and no content."""
    ident = elf.MAGIC + bytes([bits // 32, 1, 1]) + bytes(9)
    kind = struct.pack("<I", 3 if loader else 1)
    if bits == 64:
        header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        return ident + header + kind + bytes(52)
    header = struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return ident + header + kind + bytes(28)


@pytest.mark.parametrize(
    ("path", "merged"),
    [
        ("lib64/ld-linux-x86-64.so.2", "usr/lib64/ld-linux-x86-64.so.2"),
        ("bin/sh", "usr/bin/sh"),
        ("usr/lib/x", "usr/lib/x"),
        ("library/x", "library/x"),
        ("lib", "lib"),
    ],
)
def test_merged_path(path: str, merged: str) -> None:
    assert merged_path(path) == merged


@pytest.mark.parametrize(
    ("path", "target", "relative"),
    [
        ("usr/lib/x/libz.so", "libz.so.1", "libz.so.1"),
        ("usr/lib/x/libz.so", "/lib/x/libz.so.1", "libz.so.1"),
        ("usr/lib/x/libm.so", "/lib64/libm.so.6", "../../lib64/libm.so.6"),
        ("usr/bin/cc", "/etc/alternatives/cc", "../../etc/alternatives/cc"),
    ],
)
def test_relative_target(path: str, target: str, relative: str) -> None:
    assert relative_target(path, target) == relative


def deb(
    folder: Path, name: str, *members: tuple[tarfile.TarInfo, bytes], depends: str = ""
) -> Path:
    path = folder / f"{name}.deb"
    control = f"Package: {name}\nVersion: 1\nArchitecture: all\n"
    if depends:
        control += f"Depends: {depends}\n"
    path.write_bytes(make_deb(control, members))
    return path


def test_packages_are_merged(tmp_path: Path) -> None:
    hardlink = file("./usr/bin/b")
    hardlink.type, hardlink.linkname = tarfile.LNKTYPE, "./usr/bin/a"
    debs = [
        deb(
            tmp_path,
            "one",
            (directory("./usr/"), b""),
            (file("./usr/bin/a", 0o755), b"a"),
            (hardlink, b""),
            (file("./usr/share/doc/one/copyright"), b"text"),
        ),
        deb(
            tmp_path,
            "two",
            (file("./lib/x/libz.so.1"), b"z"),
            (symlink("./usr/lib/x/libz.so", "/lib/x/libz.so.1"), b""),
        ),
    ]
    tree = read_packages(debs, lambda path: not path.startswith("usr/share/"))
    assert {path: entry.target or bytes(entry.data) for path, entry in tree.items()} == {
        "usr/bin/a": b"a",
        "usr/bin/b": b"a",
        "usr/lib/x/libz.so.1": b"z",
        "usr/lib/x/libz.so": "libz.so.1",
        "bin": "usr/bin",
        "lib": "usr/lib",
    }


def test_packages_that_disagree(tmp_path: Path) -> None:
    debs = [deb(tmp_path, name, (file("./etc/x"), name.encode())) for name in ("one", "two")]
    with pytest.raises(TreeError, match=r"etc/x: one\.deb and two\.deb"):
        read_packages(debs, lambda _: True)


def test_a_launcher_is_compiled_by_what_a_compiler_needs(tmp_path: Path) -> None:
    needs = {
        "binutils-x": "libbfd",
        "cpp-14": "cpp-14-x, libc6",
        "cpp-14-x": "",
        "g++-14": "cpp-14",
        "libbfd": "libc6",
        "libc6": "",
        "libc6-dev": "libc6",
    }
    debs = [deb(tmp_path, name, depends=depends) for name, depends in needs.items()]
    kept = [path.stem for path in build_launcher.compiler(debs)]
    assert kept == ["binutils-x", "cpp-14", "cpp-14-x", "libbfd", "libc6"]


def test_tar_depends_on_the_tree_alone(tmp_path: Path) -> None:
    tree: Tree = {"b": Entry(0o755, b"b"), "a": Entry(0o777, target="b")}
    write_tar(tree, tmp_path / "1.tar")
    write_tar(dict(reversed(tree.items())), tmp_path / "2.tar")
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()
    extract(tmp_path / "1.tar", tmp_path / "out")
    assert (tmp_path / "out/a").read_text() == "b"
    assert os.access(tmp_path / "out/b", os.X_OK)


def test_launchers() -> None:
    tree: Tree = {
        "usr/lib64/ld-linux-x86-64.so.2": Entry(0o755, program(loader=False)),
        "usr/lib/x86_64-linux-gnu/libc.so.6": Entry(0o755, program()),
        "usr/bin/tool": Entry(0o755, program()),
        "usr/bin/link": Entry(0o777, target="tool"),
        "usr/bin/static": Entry(0o755, program(loader=False)),
        "usr/bin/script": Entry(0o755, b"#!/bin/sh\n"),
        "usr/target/bin/foreign": Entry(0o755, program(elf.EM_AARCH64)),
        "usr/lib/gcc/x/12/cc1": Entry(0o755, program()),
    }
    before = dict(tree)
    assert pack_debs.add_launchers(tree, b"LAUNCHER") == ["usr/bin/tool", "usr/lib/gcc/x/12/cc1"]
    assert tree["usr/bin/tool"].data == b"LAUNCHER"
    assert tree["usr/bin/tool.real"] == before["usr/bin/tool"]
    assert bytes(tree["usr/lib/gcc/x/12/cc1.launch"].data).decode().splitlines() == [
        "%d/../../../../../lib64/ld-linux-x86-64.so.2",
        "--inhibit-cache",
        "--argv0",
        "%s",
        "--library-path",
        "%d/../../../../../usr/lib/x86_64-linux-gnu",
        "%d/cc1.real",
    ]
    for path in ("usr/bin/static", "usr/target/bin/foreign", "usr/lib/x86_64-linux-gnu/libc.so.6"):
        assert tree[path] == before[path]


def test_launchers_need_a_loader() -> None:
    with pytest.raises(TreeError, match="usr/bin/tool needs lib64/ld-linux"):
        pack_debs.add_launchers({"usr/bin/tool": Entry(0o755, program())}, b"LAUNCHER")


def test_a_damaged_program_is_an_error() -> None:
    tree: Tree = {"usr/bin/tool": Entry(0o755, program()[:66], origin="one.deb")}
    with pytest.raises(TreeError, match=r"usr/bin/tool: one\.deb has a damaged ELF file"):
        pack_debs.add_launchers(tree, b"LAUNCHER")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = deb(tmp_path, "one", (file("./usr/bin/a"), b"a"), (file("./usr/man/a"), b"m"))
    out = tmp_path / "out.tar"
    assert pack_debs.main(["--deb", str(package), "--drop", "usr/man/*", "--out", str(out)]) == 0
    with tarfile.open(out) as archive:
        assert archive.getnames() == ["bin", "usr/bin/a"]

    package.write_bytes(b"damaged")
    out.unlink()
    assert pack_debs.main(["--deb", str(package), "--out", str(out)]) == 1
    assert "one.deb" in capsys.readouterr().err
    assert not out.exists()
