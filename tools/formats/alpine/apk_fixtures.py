"""Small Alpine packages, indexes and keys for tests, made without any of Alpine's programs."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import io
import math
import random
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.formats.alpine.apk import CHECKSUM, read_apk
from tools.formats.alpine.rsa import padded

_ALGORITHMS = {"sha1": "RSA", "sha256": "RSA256", "sha512": "RSA512"}
_SMALL = math.prod(n for n in range(3, 4000, 2) if all(n % m for m in range(3, 64, 2) if m < n))
Members = Iterable[tuple[tarfile.TarInfo, bytes]]


@dataclass(frozen=True)
class Key:
    """A private RSA key that is good for tests only; `name` is its public half's file name."""

    name: str
    modulus: int
    exponent: int
    secret: int

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """A PKCS #1 v1.5 signature."""
        size = (self.modulus.bit_length() + 7) // 8
        block = int.from_bytes(padded(algorithm, data, size), "big")
        return pow(block, self.secret, self.modulus).to_bytes(size, "big")

    def public(self) -> bytes:
        """The public key in PEM."""
        numbers = _der(0x30, _integer(self.modulus) + _integer(self.exponent))
        algorithm = _der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
        info = _der(0x30, algorithm + _der(0x03, b"\0" + numbers))
        body = base64.encodebytes(info).decode()
        return f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n".encode()


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _is_prime(number: int, source: random.Random) -> bool:
    """Miller-Rabin, after a quick look for small factors."""
    if math.gcd(number, _SMALL) != 1:
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(8):
        value = pow(source.randrange(2, number - 1), odd, number)
        if value in (1, number - 1):
            continue
        for _ in range(twos - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True


@functools.cache
def make_key(name: str, bits: int = 2048) -> Key:
    """The test key of that name: always the same one, and for nothing but tests."""
    source = random.Random(f"{name} {bits}")  # noqa: S311 - not for secrets

    def prime() -> int:
        while True:
            number = source.getrandbits(bits // 2) | 1 | 3 << (bits // 2 - 2)
            if number % 65537 != 1 and _is_prime(number, source):
                return number

    p, q = prime(), prime()
    return Key(name, p * q, 65537, pow(65537, -1, (p - 1) * (q - 1)))


def file(
    name: str, mode: int = 0o644, mtime: int = 0, uid: int = 0, gid: int = 0
) -> tarfile.TarInfo:
    """A regular file's tar header."""
    info = tarfile.TarInfo(name)
    info.mode, info.mtime, info.uid, info.gid = mode, mtime, uid, gid
    return info


def directory(name: str, mode: int = 0o755) -> tarfile.TarInfo:
    """A directory's tar header, owned by root."""
    info = file(name, mode)
    info.type = tarfile.DIRTYPE
    return info


def symlink(name: str, target: str) -> tarfile.TarInfo:
    """A symbolic link's tar header."""
    info = file(name, 0o777)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def hardlink(name: str, target: str, mode: int = 0o644) -> tarfile.TarInfo:
    """A hard link's tar header."""
    info = file(name, mode)
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info


def make_tar(members: Members, *, end: bool, checksums: bool = False) -> bytes:
    """A tar archive; without `end` it is a part that another one can follow."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            of = info.linkname.encode() if info.issym() else data
            if checksums and not info.isdir():
                info.pax_headers = {CHECKSUM: hashlib.sha1(of, usedforsecurity=False).hexdigest()}
            tar.addfile(info, io.BytesIO(data))
        length = buffer.tell()
    return buffer.getvalue() if end else buffer.getvalue()[:length]


def pack(data: bytes) -> bytes:
    """A gzip stream without a time."""
    return gzip.compress(data, mtime=0)


def signed(data: bytes, keys: Sequence[Key], algorithm: str = "sha1") -> bytes:
    """The data with a stream of signatures in front."""
    members = [
        (file(f".SIGN.{_ALGORITHMS[algorithm]}.{key.name}"), key.sign(data, algorithm))
        for key in keys
    ]
    return (pack(make_tar(members, end=False)) if members else b"") + data


def make_apk(
    info: str,
    members: Members = (),
    *,
    scripts: Mapping[str, bytes] | None = None,
    keys: Sequence[Key] = (),
    algorithm: str = "sha1",
) -> bytes:
    """A package with this .PKGINFO (the data's digest is added), scripts and files."""
    data = pack(make_tar(members, end=True, checksums=True))
    text = f"{info.rstrip()}\ndatahash = {hashlib.sha256(data).hexdigest()}\n"
    control = [(file(".PKGINFO"), text.encode())]
    control += [(file(f".{name}", 0o755), content) for name, content in (scripts or {}).items()]
    return signed(pack(make_tar(control, end=False)), keys, algorithm) + data


# Letters of the index for the fields of .PKGINFO that it repeats.
_LETTERS = {
    "pkgname": "P", "pkgver": "V", "arch": "A", "size": "I", "pkgdesc": "T", "url": "U",
    "license": "L", "origin": "o", "maintainer": "m", "builddate": "t", "commit": "c",
    "provider_priority": "k", "depend": "D", "provides": "p", "install_if": "i",
}  # fmt: skip


def index_entry(path: Path, arch: str = "") -> str:
    """A package's paragraph of an index; `arch` replaces the package's own."""
    apk = read_apk(path)
    lines = [f"C:{apk.identity}", f"S:{path.stat().st_size}"]
    for name, letter in _LETTERS.items():
        if name in apk.info:
            values = [arch] if arch and name == "arch" else apk.info[name]
            lines.append(f"{letter}:{' '.join(values)}")
    return "\n".join(lines) + "\n"


def make_index(entries: Iterable[str], keys: Sequence[Key], algorithm: str = "sha1") -> bytes:
    """An APKINDEX.tar.gz of the paragraphs."""
    members = [
        (file("DESCRIPTION"), b"test"),
        (file("APKINDEX"), "\n".join(entries).encode()),
    ]
    return signed(pack(make_tar(members, end=True)), keys, algorithm)


def write_repository(folder: Path, packages: Iterable[bytes], keys: Sequence[Key]) -> None:
    """Make a repository, such as <mirror>/v3.24/main/x86_64, of the packages.

    As in Alpine's, the index calls them all after the architecture, noarch or not.
    """
    folder.mkdir(parents=True)
    entries = []
    for data in packages:
        draft = folder / "draft.apk"
        draft.write_bytes(data)
        apk = read_apk(draft)
        path = draft.rename(folder / f"{apk.one('pkgname')}-{apk.one('pkgver')}.apk")
        entries.append(index_entry(path, folder.name))
    (folder / "APKINDEX.tar.gz").write_bytes(make_index(entries, keys))
