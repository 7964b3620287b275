from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.rootfs import program_fixtures as make_programs
from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.effects.ldconfig import ldconfig
from tools.rootfs.debian.ldcache import Library, name_order, write_cache
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError
from tools.testing.programs import as_root


def test_names_are_ordered_by_number_descending() -> None:
    names = ["liba.so.9", "liba.so.10", "libb.so", "liba.so", "liba-1.so", "liba.so.1"]
    assert sorted(names, key=name_order) == [
        "libb.so",
        "liba.so.10",
        "liba.so.9",
        "liba.so.1",
        "liba.so",
        "liba-1.so",
    ]


def parse_cache(data: bytes, order: str) -> list[tuple[str, str, int]]:
    count, _, flag = struct.unpack_from(f"{order}IIB", data, 20)
    assert data[:20] == b"glibc-ld.so.cache1.1"
    assert flag == (2 if order == "<" else 3)

    def text(at: int) -> str:
        return data[at : data.index(b"\0", at)].decode()

    found = []
    for i in range(count):
        flags, name, path, _, _ = struct.unpack_from(f"{order}iIIIQ", data, 48 + 24 * i)
        found.append((text(name), text(path), flags))
    return found


@given(
    st.lists(st.from_regex(r"lib[a-z]{1,3}\.so(\.[0-9]{1,2})?", fullmatch=True), unique=True),
    st.sampled_from(["little", "big"]),
)
def test_a_cache_holds_what_was_written(names: list[str], endian: str) -> None:
    libraries = [Library(name, f"/lib/x/{name}", 0x303) for name in names]
    data = write_cache(libraries, endian=endian, generator="test")
    found = parse_cache(data, "<" if endian == "little" else ">")
    assert sorted(found) == sorted((x.name, x.path, x.flags) for x in libraries)
    assert [name for name, _, _ in found] == sorted(names, key=name_order)
    assert data.endswith(b"test")


def library_system(folder: Path) -> System:
    """A system with libraries in several directories, some without links of their sonames."""
    system = fixtures.system()
    for deb in fixtures.tiny_base(folder):
        if deb.name.startswith("libc-bin"):
            system.packages["libc-bin"] = fixtures.package(deb)
    tree = system.tree
    tree.put("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n", source="x")
    tree.put("etc/ld.so.conf.d/b.conf", "# words\n/opt/lib # more\n/opt/none\n", source="x")
    tree.put("etc/ld.so.conf.d/a.conf", "/usr/local/lib\n", source="x")
    triplet = f"usr/lib/{system.arch.triplet}"
    for path, soname in (
        (f"{triplet}/libone.so.1.2", "libone.so.1"),
        (f"{triplet}/libtwo-2.so", "libtwo-2.so"),
        (f"{triplet}/libten.so.10", "libten.so.10"),
        (f"{triplet}/libten.so.9", "libten.so.9"),
        ("usr/lib/libone.so.1", "libone.so.1"),
        ("usr/local/lib/libone.so.1", "libone.so.1"),
        ("opt/lib/libnone.so", None),
        ("opt/lib/libnolink.so.3.1", "libnolink.so.3"),
    ):
        tree.put(path, make_programs.elf(soname), source="x", mode=0o755)
    tree.put(f"{triplet}/libtext.so", b"/* a linker script */", source="x")
    tree.put(
        f"{triplet}/libother.so.1",
        make_programs.elf("libother.so.1", arch=make_programs.ARCHES["arm64"]),
        source="x",
    )
    tree.symlink(f"{triplet}/libone.so.1", "libone.so.1.2", source="x")
    tree.symlink(f"{triplet}/libone.so", "libone.so.1", source="x")
    tree.symlink(f"{triplet}/libbroken.so.1", "nowhere", source="x")
    for name in ("bin", "sbin", "lib", "lib64"):
        tree.mkdir(f"usr/{name}", source="x")
        tree.symlink(name, f"usr/{name}", source="x")
    return system


def test_ldconfig_finds_libraries_in_order(tmp_path: Path) -> None:
    system = library_system(tmp_path)
    ldconfig(system)
    found = parse_cache(system.tree.read("etc/ld.so.cache"), "<")
    places = [path for name, path, _ in found if name == "libone.so.1"]
    lib = f"/lib/{system.arch.triplet}"
    assert places == ["/usr/local/lib/libone.so.1", f"{lib}/libone.so.1", "/lib/libone.so.1"]
    assert ("libone.so", f"{lib}/libone.so", 0x303) in found
    assert ("libnone.so", "/opt/lib/libnone.so", 0x303) in found
    assert {"libtext.so", "libother.so.1", "libbroken.so.1"} & {
        name for name, _, _ in found
    } == set()
    assert system.tree.entries["opt/lib/libnolink.so.3"].target == "libnolink.so.3.1"


def test_ldconfig_writes_what_the_real_one_writes(tmp_path: Path) -> None:
    """Same bytes as `ldconfig -r` of glibc, but for the version it names itself by."""
    program, root_words = Path("/sbin/ldconfig"), as_root()
    if root_words is None or os.uname().machine != "x86_64" or not program.exists():
        pytest.skip("needs ldconfig, an x86-64 machine, and root or user namespaces")
    system = library_system(tmp_path)
    system.tree.finish()
    root = tmp_path / "root"
    for path, entry in sorted(system.tree.entries.items()):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "dir":
            target.mkdir(parents=True, exist_ok=True)
        elif entry.kind == "symlink":
            target.symlink_to(entry.target)
        else:
            target.write_bytes(entry.content)
    subprocess.run([*root_words, program, "-r", root], check=True)
    ldconfig(system)
    real, ours = (root / "etc/ld.so.cache").read_bytes(), system.tree.read("etc/ld.so.cache")
    assert parse_cache(ours, "<") == parse_cache(real, "<")
    end = real.index(b"ldconfig (")
    assert ours[: end - 4] == real[: end - 4]  # but for the length of the version
    links = {str(p.relative_to(root)) for p in root.rglob("*.so*") if p.is_symlink()}
    assert links == {
        p for p, e in system.tree.entries.items() if e.kind == "symlink" and ".so" in p
    }


def test_libraries_for_certain_processors_are_refused(tmp_path: Path) -> None:
    system = library_system(tmp_path)
    system.tree.mkdir("usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3", source="x")
    with pytest.raises(RootfsError, match="certain processors"):
        ldconfig(system)


def test_a_damaged_library_is_named(tmp_path: Path) -> None:
    system = library_system(tmp_path)
    system.tree.put("usr/lib/libbad.so.1", b"\x7fELF\x02\x01\x01", source="x")
    with pytest.raises(RootfsError, match=r"/usr/lib/libbad\.so\.1: is a damaged ELF"):
        ldconfig(system)
