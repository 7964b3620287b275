"""Packages, signatures and indexes: what is read, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.formats.alpine import apk_fixtures as make
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.apk import q1, read_apk
from tools.formats.alpine.dependency import Dependency, parse
from tools.formats.alpine.index import check_signature, read_index
from tools.formats.alpine.rsa import PublicKey, fingerprint, public_key, verifies

KEY = make.make_key("tester-1.rsa.pub")
OTHER = make.make_key("tester-2.rsa.pub")
IDENTITY = "Q1" + "a" * 27 + "="
ENTRY = f"C:{IDENTITY}\nP:a\nV:1"
INFO = """\
# made for a test
pkgname = hello
pkgver = 1.2-r3
pkgdesc = says hello
url =
arch = x86_64
size = 4096
origin = greetings
builddate = 1700000000
depend = so:libc.musl-x86_64.so.1
depend = !goodbye
provides = cmd:hello=1.2-r3
triggers = /usr/bin /usr/sbin
"""
NAMED = "pkgname = {}\npkgver = {}\narch = x86_64\n"
MEMBERS = [
    (make.directory("usr"), b""),
    (make.directory("usr/bin"), b""),
    (make.file("usr/bin/hello", 0o755, mtime=1700000000), b"\x7fELF hello"),
    (make.symlink("usr/bin/hi", "hello"), b""),
    (make.hardlink("usr/bin/hello2", "usr/bin/hello", 0o755), b""),
]
SCRIPTS = {"post-install": b"#!/bin/sh\n", "trigger": b"#!/bin/sh\n:\n"}


def apk_file(folder: Path, data: bytes | None = None) -> Path:
    path = folder / "hello.apk"
    path.write_bytes(
        make.make_apk(INFO, MEMBERS, scripts=SCRIPTS, keys=[KEY]) if data is None else data
    )
    return path


def keys(*given: make.Key) -> dict[str, PublicKey]:
    return {key.name: public_key(key.public(), key.name) for key in given}


def test_a_package_is_read(tmp_path: Path) -> None:
    apk = read_apk(apk_file(tmp_path))
    assert (apk.one("pkgname"), apk.one("pkgver"), apk.one("url")) == ("hello", "1.2-r3", "")
    assert apk.all("depend") == ("so:libc.musl-x86_64.so.1", "!goodbye")
    assert apk.all("triggers") == ("/usr/bin", "/usr/sbin")
    assert apk.scripts == SCRIPTS
    assert apk.identity == q1(hashlib.sha1(apk.control).digest())
    members = {m.info.name: m for m in apk.members()}
    assert list(members) == [info.name for info, _ in MEMBERS]
    assert bytes(members["usr/bin/hello"].data) == b"\x7fELF hello"
    assert members["usr/bin/hello"].checksum == hashlib.sha1(b"\x7fELF hello").digest()
    assert members["usr/bin/hi"].checksum == hashlib.sha1(b"hello").digest()
    assert members["usr"].checksum == b""


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_signatures_of_packages(tmp_path: Path, algorithm: str) -> None:
    data = make.make_apk(INFO, MEMBERS, keys=[OTHER, KEY], algorithm=algorithm)
    apk = read_apk(apk_file(tmp_path, data))
    assert [s.algorithm for s in apk.signatures] == [algorithm] * 2
    assert check_signature("x", apk.signatures, apk.control, keys(KEY)) == KEY.name
    with pytest.raises(AlpineError, match=r"none of the trusted keys \['tester-3"):
        third = make.make_key("tester-3.rsa.pub")
        check_signature("x", apk.signatures, apk.control, keys(third))
    with pytest.raises(AlpineError, match=r"wrong signature by tester-1"):
        check_signature("x", apk.signatures, bytes(apk.control) + b"x", keys(KEY))


def test_a_package_may_come_without_signature(tmp_path: Path) -> None:
    apk = read_apk(apk_file(tmp_path, make.make_apk(INFO, MEMBERS)))
    assert apk.signatures == ()
    with pytest.raises(AlpineError, match="signed by nobody"):
        check_signature("x", apk.signatures, apk.control, keys(KEY))


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    good = make.make_apk(INFO, MEMBERS, scripts=SCRIPTS, keys=[KEY])
    trusted = keys(KEY)
    for at in range(0, len(good), 7):
        bad = good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :]
        try:
            apk = read_apk(apk_file(tmp_path, bad))
            check_signature("x", apk.signatures, apk.control, trusted)
            list(apk.members())
        except AlpineError:
            continue
        # Some of gzip's header says nothing about the content (the operating system, say), and
        # the signature stream isn't signed.
        assert apk.info == read_apk(apk_file(tmp_path, good)).info


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-20], "its data has the SHA-256"),
        (lambda data: data[:40], "truncated"),
        (lambda _: b"ar archive", "no gzip stream"),
        (lambda _: make.make_apk("pkgname = x\narch = y\n"), "no 'pkgver'"),
        (lambda _: make.make_apk(INFO + "pkgname = x\n"), "'pkgname' twice"),
        (lambda _: make.make_apk(INFO + "color = red\n"), "'color' of unknown meaning"),
        (lambda _: make.make_apk(INFO + "nonsense\n"), "malformed line 'nonsense'"),
        (lambda _: make.make_apk(NAMED.format("../../x", "1")), "'../../x' is no name"),
        (lambda _: make.make_apk(NAMED.format("x\rP:y", "1")), "is no name"),
        (lambda _: make.make_apk(NAMED.format("x", "1\x0bV:2")), "is no version"),
        (lambda _: make.make_apk(NAMED.format("x", "one")), "'one' is no version"),
        (lambda _: make.make_apk(INFO + "license = MIT\x1b[2J\n"), "has a control character"),
        (lambda _: make.make_apk(INFO + "depend = a><Q1\n"), "is no dependency"),
        (lambda _: make.make_apk(INFO + "replaces_priority = -1\n"), "'-1' is no number"),
        (
            lambda _: make.make_apk(INFO.replace("1700000000", "99999999999")),
            "builddate: '99999999999' is more than",
        ),
        (lambda _: make.make_apk(INFO, scripts={"on-sunday": b""}), "unknown meaning: .on-sunday"),
    ],
)
def test_what_is_no_package(tmp_path: Path, change: object, message: str) -> None:
    good = make.make_apk(INFO, MEMBERS, keys=[KEY])
    with pytest.raises(AlpineError, match=message):
        read_apk(apk_file(tmp_path, change(good)))  # type: ignore[operator]


def test_contents_that_are_not_what_the_archive_says(tmp_path: Path) -> None:
    data = make.pack(make.make_tar(MEMBERS, end=True, checksums=True))
    tar = gzip.decompress(data).replace(b"\x7fELF hello", b"\x7fELF hallo")
    packed = make.pack(tar)
    text = f"{INFO}datahash = {hashlib.sha256(packed).hexdigest()}\n"
    control = make.pack(make.make_tar([(make.file(".PKGINFO"), text.encode())], end=False))
    apk = read_apk(apk_file(tmp_path, control + packed))
    with pytest.raises(AlpineError, match="'usr/bin/hello' has the SHA-1"):
        list(apk.members())


@pytest.mark.parametrize("name", ["../x", "/x", "usr/../../x"])
def test_members_outside_of_the_tree(tmp_path: Path, name: str) -> None:
    apk = read_apk(apk_file(tmp_path, make.make_apk(INFO, [(make.file(name), b"")])))
    with pytest.raises(AlpineError, match="outside of the tree"):
        list(apk.members())


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b".SIGN.RSA." + bytes(1 << 26))
    with pytest.raises(AlpineError, match="signatures: unpacks to more than 1048576 bytes"):
        read_apk(apk_file(tmp_path, bomb))
    with pytest.raises(AlpineError, match="control: unpacks to more than 16777216 bytes"):
        read_apk(apk_file(tmp_path, gzip.compress(bytes(1 << 26))))


def test_what_would_be_lost_is_refused(tmp_path: Path) -> None:
    info = make.file("x")
    data = make.pack(make.make_tar([(info, b"")], end=True, checksums=True))
    tar = gzip.decompress(data).replace(b"APK-TOOLS.checksum.SHA1", b"SCHILY.xattr.user.chsum1")
    packed = make.pack(tar.replace(b"67 SCHILY", b"68 SCHILY"))
    text = f"{INFO}datahash = {hashlib.sha256(packed).hexdigest()}\n"
    control = make.pack(make.make_tar([(make.file(".PKGINFO"), text.encode())], end=False))
    with pytest.raises(AlpineError, match="data: "):
        list(read_apk(apk_file(tmp_path, control + packed)).members())


def test_openssl_agrees_on_keys_and_signatures(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("SKIPPED openssl isn't installed")
    pem = tmp_path / "key.pub"
    pem.write_bytes(KEY.public())
    shown = subprocess.run(
        [openssl, "pkey", "-pubin", "-in", pem, "-outform", "DER"], capture_output=True, check=True
    )
    assert hashlib.sha256(shown.stdout).hexdigest() == fingerprint(KEY.public(), "x")
    (tmp_path / "data").write_bytes(b"some data")
    (tmp_path / "signature").write_bytes(KEY.sign(b"some data", "sha256"))
    command = f"{openssl} dgst -sha256 -verify {pem} -signature signature data".split()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout == b"Verified OK\n"


def test_signatures_that_do_not_fit() -> None:
    key = public_key(KEY.public(), "x")
    signature = KEY.sign(b"data", "sha1")
    assert verifies(key, "sha1", b"data", signature)
    assert not verifies(key, "sha256", b"data", signature)
    assert not verifies(key, "sha1", b"date", signature)
    assert not verifies(key, "sha1", b"data", signature[:-1])
    assert not verifies(key, "sha1", b"data", b"\0" + signature)
    assert not verifies(key, "sha1", b"data", b"\xff" * len(signature))
    raised = int.from_bytes(signature, "big") + key.modulus
    if raised.bit_length() <= 8 * key.size:
        assert not verifies(key, "sha1", b"data", raised.to_bytes(key.size, "big"))


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"", "no public key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----", "no public key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----", "no public RSA key"),
        (make.make_key("small.rsa.pub", 1024).public(), "1024 bits; 2048 are needed"),
    ],
)
def test_what_is_no_key(pem: bytes, message: str) -> None:
    with pytest.raises(AlpineError, match=message):
        public_key(pem, "key")


def index(tmp_path: Path, **more: object) -> bytes:
    path = apk_file(tmp_path)
    return make.make_index([make.index_entry(path)], [KEY], **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_an_index_is_read(tmp_path: Path, algorithm: str) -> None:
    data = index(tmp_path, algorithm=algorithm)
    found = read_index("i", data, keys(KEY), repository=1, directory="v3.24/main/x86_64")
    (package,) = found
    assert (package.name, package.version, package.arch) == ("hello", "1.2-r3", "x86_64")
    assert package.path == "v3.24/main/x86_64/hello-1.2-r3.apk"
    assert package.depends == (
        Dependency("so:libc.musl-x86_64.so.1"),
        Dependency("goodbye", conflict=True),
    )
    assert package.provides == (Dependency("cmd:hello", "=", "1.2-r3"),)
    assert package.identity == read_apk(apk_file(tmp_path)).identity
    assert (package.origin, package.built) == ("greetings", 1700000000)


def test_an_index_that_was_changed_or_not_signed(tmp_path: Path) -> None:
    data = index(tmp_path)
    with pytest.raises(AlpineError, match="trusted keys"):
        read_index("i", data, keys(OTHER))
    unsigned = make.make_index([make.index_entry(apk_file(tmp_path))], [])
    with pytest.raises(AlpineError, match="signed by nobody"):
        read_index("i", unsigned, keys(KEY))
    assert len(read_index("i", unsigned, None)) == 1
    # The signature of one index on another.
    other = make.signed(make.make_index([], []), [])
    first = data[: data.index(b"\x1f\x8b", 2)]
    with pytest.raises(AlpineError, match="wrong signature"):
        read_index("i", first + other, keys(KEY))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("C:Q1x\nP:a\nV:1", "no S: line"),
        ("C:Q1x\nP:a\nV:1\nS:1\nX:1", "field of unknown meaning"),
        ("C:Q1x\nP:a\nV:1\nS:1", "isn't a SHA-1"),
        (f"{ENTRY}\nS:-1", "'-1' is no number"),
        (f"{ENTRY}\nS:1_0", "'1_0' is no number"),
        (f"{ENTRY}\nS:1\nt:99999999999999", "'99999999999999' is more than"),
        (f"C:{IDENTITY}\nP:../../x\nV:1\nS:1", "'../../x' is no name of a package"),
        (f"C:{IDENTITY}\nP:a\nV:1/../../x\nS:1", "is no version"),
        (f"C:{IDENTITY}\nP:a\nV:r1\nS:1", "'r1' is no version"),
        (f"{ENTRY}\nS:1\nA:x/../y", "is no architecture"),
        (f"{ENTRY}\nS:1\no:a\x1b[2J", "has a control character"),
        (f"{ENTRY}\nS:1\nD:b><Q1x", "no dependency"),
        (f"{ENTRY}\nS:one", "'one' is no number"),
        ("C:Q2x\nP:a\nV:1\nS:1", "isn't a SHA-1"),
        ("P:a\nP:b", "repeated"),
    ],
)
def test_entries_that_are_refused(entry: str, message: str) -> None:
    with pytest.raises(AlpineError, match=message):
        read_index("i", make.make_index([entry], [KEY]), keys(KEY))


@pytest.mark.parametrize("text", ["so:libz.so.1=1.3", "!a", "cmd:x>=1.0-r0", "/bin/sh", "b~1.2"])
def test_dependencies(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "a b", "a=", "=1", "a@edge", "a><Q1x", "a=1=2", "!!a"])
def test_what_is_no_dependency(text: str) -> None:
    with pytest.raises(ValueError, match="no dependency"):
        parse(text)
