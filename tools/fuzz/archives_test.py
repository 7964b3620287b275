"""Packages and wheels that are damaged or hostile: a result, or the reader's one error."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tools.formats.alpine import apk_fixtures as apks
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.apk import read_apk
from tools.formats.alpine.index import read_index
from tools.formats.archives import tar
from tools.formats.archives.archive_error import ArchiveError
from tools.formats.debian import deb_fixtures as debs
from tools.formats.debian.deb import DebError, read_deb
from tools.fuzz.inputs import damaged, hostile, in_time
from tools.rootfs.alpine.package import load_packages as load_apks
from tools.rootfs.debian.package import load_package
from tools.rootfs.package_set import LockedPackage, PackageSet
from tools.rootfs.rootfs_error import RootfsError
from tools.wheels import install as wheels
from tools.wheels import layer
from tools.wheels.wheel_fixtures import FILES, recorded

FOLDER = Path(tempfile.mkdtemp())
CONTROL = """\
Package: hello
Version: 1:2.10-3
Architecture: amd64
Multi-Arch: same
Source: hi (2.10-3)
Installed-Size: 12
Description: greets
 in two lines
"""
DATA = [
    (debs.directory("./"), b""),
    (debs.directory("./etc"), b""),
    (debs.file("./etc/hello.conf", 0o644, 1234), b"x=1\n"),
    (debs.symlink("./etc/link", "hello.conf"), b""),
    (debs.file("./etc/" + "long/" * 25 + "x"), b"long"),
]
SCRIPTS = {
    "postinst": b"#!/bin/sh\n",
    "conffiles": b"/etc/hello.conf\n",
    "triggers": b"interest-noawait /usr/lib/x\nactivate ldconfig\n",
}
DEBS = st.sampled_from(
    [
        debs.make_deb(CONTROL, DATA, scripts=SCRIPTS, compression=kind)
        for kind in ("", ".gz", ".xz", ".zst")
    ]
)
INFO = """\
pkgname = hello
pkgver = 1.2-r3
arch = x86_64
size = 4096
builddate = 1700000000
depend = so:libc.musl-x86_64.so.1
replaces = other<1
replaces_priority = 1
"""
APK_DATA = [
    (apks.directory("usr"), b""),
    (apks.file("usr/hello", 0o755), b"hello"),
    (apks.symlink("usr/hi", "hello"), b""),
    (apks.hardlink("usr/hallo", "usr/hello"), b""),
]
KEY = apks.make_key("fuzz.rsa.pub")
APK = apks.make_apk(INFO, APK_DATA, scripts={"post-install": b"#!/bin/sh\n"}, keys=[KEY])
INDEX_ENTRY = (
    f"C:Q1{'a' * 27}=\nP:hello\nV:1.2-r3\nA:x86_64\nS:100\nI:200\no:hello\nt:1700000000\n"
    "D:so:libc.musl-x86_64.so.1 !x y>=1\np:cmd:hello=1.2-r3\n"
)


def written(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    return path


def load_deb(data: bytes) -> None:
    with contextlib.suppress(DebError):
        for _ in read_deb(written("hello.deb", data)).members():
            pass
    with contextlib.suppress(RootfsError):
        package = load_package(FOLDER / "hello.deb", True, "amd64")
        _ = package.files, package.conffiles, package.source, package.info_name


@hostile
@given(damaged(DEBS))
def test_a_damaged_deb(data: bytes) -> None:
    with in_time():
        load_deb(data)


@hostile
@given(
    control=damaged(st.just(CONTROL.encode())),
    conffiles=damaged(st.just(SCRIPTS["conffiles"])),
    data=damaged(st.just(debs.make_tar(DATA))),
)
def test_a_deb_with_damage_inside(control: bytes, conffiles: bytes, data: bytes) -> None:
    inner = debs.make_tar(
        [(debs.file("./control"), control), (debs.file("./conffiles"), conffiles)]
    )
    members = {"debian-binary": b"2.0\n", "control.tar": inner, "data.tar": data}
    with in_time():
        load_deb(debs.ar(members))


@hostile
@given(
    info=damaged(st.just(INFO.encode())),
    data=damaged(st.just(apks.make_tar(APK_DATA, end=True, checksums=True))),
)
def test_an_apk_with_damage_inside(info: bytes, data: bytes) -> None:
    packed = gzip.compress(data, 1)
    text = info.rstrip() + f"\ndatahash = {hashlib.sha256(packed).hexdigest()}\n".encode()
    control = gzip.compress(apks.make_tar([(apks.file(".PKGINFO"), text)], end=False), 1)
    load_apk(control + packed)


@hostile
@given(damaged(st.just(APK)))
def test_a_damaged_apk(data: bytes) -> None:
    load_apk(data)


def load_apk(data: bytes) -> None:
    path = written("hello.apk", data)
    locked = LockedPackage("hello", path, True, hashlib.sha256(data).hexdigest())
    with in_time():
        with contextlib.suppress(AlpineError):
            for _ in read_apk(path).members():
                pass
        with contextlib.suppress(RootfsError):
            for package in load_apks(PackageSet("fuzz", (locked,)), "x86_64"):
                _ = package.files


@hostile
@given(damaged(st.just(INDEX_ENTRY.encode())), damaged(st.just(apks.make_index([INDEX_ENTRY], []))))
def test_a_damaged_index(text: bytes, packed: bytes) -> None:
    inner = gzip.compress(apks.make_tar([(apks.file("APKINDEX"), text)], end=True), 1)
    for data in (inner, packed):
        with in_time(), contextlib.suppress(AlpineError):
            read_index("x", data, None)


@hostile
@given(damaged(st.just(apks.make_tar(APK_DATA, end=True, checksums=True)) | DEBS))
def test_a_damaged_tar(data: bytes) -> None:
    with in_time(), contextlib.suppress(ArchiveError):
        for info, content in tar.members(data, ended=False):
            assert not info.name.startswith("/")
            assert ".." not in info.name.split("/")
            assert "\n" not in info.name + info.linkname
            assert info.uid >= 0 <= info.gid
            assert len(content) == (info.size if info.isreg() else 0)


def wheel(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in recorded(files).items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


@hostile
@given(damaged(st.just(wheel(FILES))))
def test_a_damaged_wheel(data: bytes) -> None:
    install(data)


@hostile
@given(
    st.dictionaries(
        st.sampled_from(sorted(FILES)) | st.text("ab./\\\n\0-", min_size=1, max_size=8),
        st.text(max_size=30)
        | st.sampled_from(
            [
                "[console_scripts]\n../x = a:b\n",
                "[console_scripts]\nx = import:class\n",
                "[DEFAULT]\nx = %(y)s\n[gui_scripts]\n",
                "Name: \x1b\nVersion: 1\n",
            ]
        ),
    )
)
def test_a_hostile_wheel(changes: dict[str, str]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in recorded({**FILES, **changes}).items():
            info = zipfile.ZipInfo()
            info.filename = name
            archive.writestr(info, text)
    install(out.getvalue())


def install(data: bytes) -> None:
    path = written("greet-1.0-py3-none-any.whl", data)
    with in_time(), contextlib.suppress(wheels.WheelError):
        layer.write([path], "3.13", FOLDER / "layer.tar")
        with tarfile.open(FOLDER / "layer.tar") as made:
            for info in made:
                assert info.name.startswith("usr/local/")
                assert ".." not in info.name.split("/")


def test_the_whole_inputs_are_read() -> None:
    deb = debs.make_deb(CONTROL, DATA, scripts=SCRIPTS)
    assert list(read_deb(written("x.deb", deb)).members())
    assert list(read_apk(written("x.apk", APK)).members())
    assert len(read_index("x", apks.make_index([INDEX_ENTRY], []), None)) == 1
    assert wheels.install(written("x.whl", wheel(FILES)), "3.13")
