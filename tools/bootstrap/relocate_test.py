import os
import struct
import zipfile
from pathlib import Path

import pytest

from tools.bootstrap import relocate
from tools.bootstrap.common import BootstrapError


def jar(path: Path, class_path: str = "", manifest: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/Y.class", b"")
        if manifest:
            lines = f"Manifest-Version: 1.0\r\n{class_path}Created-By: test\r\n\r\n"
            archive.writestr("META-INF/MANIFEST.MF", lines)
    return path


def elf(interpreter: bytes) -> bytes:
    """A 64-bit little-endian ELF header with two program headers, the second PT_INTERP."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    rest = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 0, 0, 0)
    size = len(interpreter) + 1
    interp = struct.pack("<IIQQQQQQ", 3, 4, 64 + 112, 0, 0, size, size, 1)
    return ident + rest + load + interp + interpreter + b"\0"


def test_interpreter(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(elf(b"/lib64/ld-linux-x86-64.so.2"))
    assert relocate.interpreter(str(program)) == "/lib64/ld-linux-x86-64.so.2"
    for other in (b"", b"#!/bin/sh\n" + bytes(100), b"\x7fELF\x01\x01" + bytes(100)):
        program.write_bytes(other)
        assert relocate.interpreter(str(program)) == ""


def test_manifest_class_path(tmp_path: Path) -> None:
    folded = "Class-Path: /usr/share/java/a.jar file:/usr/share/java/b%20\r\n c.jar d.jar\r\n"
    assert relocate.manifest_class_path(str(jar(tmp_path / "x.jar", folded))) == [
        "/usr/share/java/a.jar",
        "/usr/share/java/b c.jar",
        "d.jar",
    ]
    assert relocate.manifest_class_path(str(jar(tmp_path / "y.jar", manifest=False))) == []


def test_classpath_is_closed_and_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    java = root / "usr/share/java"
    jar(java / "a.jar", "Class-Path: b.jar /usr/share/java/sub/c.jar\r\n")
    jar(java / "b.jar", "Class-Path: a.jar absent.jar\r\n")
    jar(java / "sub/c.jar", "Class-Path: ../d.jar\r\n")
    jar(java / "d.jar")
    listing = root / relocate.CLASSPATH
    listing.parent.mkdir(parents=True)
    listing.write_text("/usr/share/java/a.jar\n\n/usr/share/java/gone.jar\n")
    expected = "".join(f"{java}/{name}\n" for name in ("a.jar", "b.jar", "sub/c.jar", "d.jar"))
    relocate.fix_classpath(str(root))
    assert listing.read_text() == expected
    relocate.fix_classpath(str(root))  # again: nothing is prefixed twice
    assert listing.read_text() == expected
    listing.write_text("/usr/share/java/gone.jar\n")
    with pytest.raises(BootstrapError, match="none of its jars"):
        relocate.fix_classpath(str(root))


def test_links_are_made_relative(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/lib/x").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "lib").symlink_to("usr/lib")
    (root / "etc/conf").write_text("conf")
    (root / "usr/lib/x/conf").symlink_to("/etc/conf")
    (root / "usr/lib/dangling").symlink_to("/etc/absent")
    (root / "usr/lib/dir").symlink_to("/usr/lib/x")
    relocate.relative_links(str(root))
    assert (root / "usr/lib/x/conf").readlink() == Path("../../../etc/conf")
    assert (root / "usr/lib/dir").readlink() == Path("x")
    assert (root / "lib/x/conf").read_text() == "conf"
    assert (root / "usr/lib/dangling").readlink() == Path("/etc/absent")


def test_special_modes_are_dropped(tmp_path: Path) -> None:
    program = tmp_path / "su"
    program.write_bytes(b"")
    program.chmod(0o4755)
    relocate.drop_special_modes(str(tmp_path))
    assert program.stat().st_mode & 0o7777 == 0o755


def test_version_resource(tmp_path: Path) -> None:
    base = tmp_path / relocate.INSTALL_BASE
    base.mkdir(parents=True)
    (base / "build-label.txt").write_text("7.7.1\n")
    (tmp_path / relocate.CLASSPATH).write_text("a.jar\n")
    relocate.tell_version(str(tmp_path))
    listed = (tmp_path / relocate.CLASSPATH).read_text().splitlines()
    assert listed[0] == "a.jar"
    with zipfile.ZipFile(listed[1]) as archive:
        assert archive.read("build-data.properties") == b"build.label=7.7.1\n"


def test_patchelf_is_not_optional(tmp_path: Path) -> None:
    loader = tmp_path / relocate.LOADER
    loader.parent.mkdir(parents=True)
    loader.write_bytes(b"")
    with pytest.raises(BootstrapError, match="usr/bin/patchelf: no such file"):
        relocate.patch_programs(str(tmp_path))
    with pytest.raises(BootstrapError, match="libc6 has no such file"):
        relocate.relocate(str(tmp_path / "empty"))


def test_zstd_library_and_jvm_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BootstrapError, match="libzstd-jni"):
        relocate.link_zstd(str(tmp_path))
    with pytest.raises(BootstrapError, match="0 JVMs"):
        relocate.java_home(str(tmp_path))
    library = tmp_path / relocate.LIBRARIES / "libzstd-jni.so.1"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"elf")
    (tmp_path / relocate.INSTALL_BASE).mkdir(parents=True)
    relocate.link_zstd(str(tmp_path))
    assert (tmp_path / relocate.INSTALL_BASE / "libzstd-jni.so.1").read_bytes() == b"elf"
    java = tmp_path / "usr/lib/jvm/java-25-openjdk-amd64/bin/java"
    java.parent.mkdir(parents=True)
    java.write_bytes(b"")
    os.symlink("java-25-openjdk-amd64", tmp_path / "usr/lib/jvm/java-1.25.0-openjdk-amd64")
    assert relocate.java_home(str(tmp_path)) == "usr/lib/jvm/java-25-openjdk-amd64"
