"""Reading Alpine packages: .apk files of format 2.

Such a file is up to three gzip streams, one after the other, each a tar archive: signatures over
the second stream, control information (`.PKGINFO` and scripts), and what gets installed. The
second one's SHA-1 is the package's identity in indexes; it names the third one's SHA-256. Anything
malformed, truncated or of an unknown kind is refused with an AlpineError.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tools.alpine.errors import AlpineError

SIGNATURE = re.compile(r"\.SIGN\.(RSA|RSA256|RSA512)\.([^/]+)")
_DIGESTS = {"RSA": "sha1", "RSA256": "sha256", "RSA512": "sha512"}
SCRIPTS = (
    "pre-install", "post-install", "pre-deinstall", "post-deinstall", "pre-upgrade",
    "post-upgrade", "trigger",
)  # fmt: skip
CHECKSUM = "APK-TOOLS.checksum.SHA1"
# Fields of .PKGINFO: those given once, and those that may be repeated.
_SINGLE = (
    "pkgname", "pkgver", "pkgdesc", "url", "builddate", "packager", "size", "arch", "origin",
    "commit", "maintainer", "license", "replaces_priority", "provider_priority", "datahash",
)  # fmt: skip
_REPEATED = ("depend", "replaces", "provides", "install_if", "triggers")
_NEEDED = ("pkgname", "pkgver", "arch", "datahash")
_GZIP = b"\x1f\x8b"


class Signature(NamedTuple):
    """One signature: the key's file name, the digest signed (sha1, ...), and its bytes."""

    key: str
    algorithm: str
    data: bytes


class Member(NamedTuple):
    """A member of the data archive.

    `info` is tarfile's description; its name is relative, without leading `./`. `data` is the
    content of a regular file, empty for anything else. `checksum` is the SHA-1 of the content, or
    of a symbolic link's target; empty for directories.
    """

    info: tarfile.TarInfo
    data: memoryview
    checksum: bytes


@dataclass(frozen=True)
class Apk:
    """One package.

    Attributes:
        path: where it was read from, for errors.
        signatures: what it is signed with; nothing has checked them yet.
        control: the control stream, as signed.
        info: the fields of .PKGINFO; a repeated one's values in their order.
        scripts: by their name in SCRIPTS.
    """

    path: Path
    signatures: tuple[Signature, ...]
    control: memoryview = field(repr=False)
    info: Mapping[str, tuple[str, ...]]
    scripts: Mapping[str, bytes]
    _packed: memoryview = field(repr=False)

    def one(self, name: str, default: str = "") -> str:
        """The value of a field that is there at most once."""
        return self.info.get(name, (default,))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """The words of a field that may be repeated, such as `depend`."""
        return tuple(word for value in self.info.get(name, ()) for word in value.split())

    @property
    def identity(self) -> str:
        """What indexes call this very package: `Q1` and its control stream's SHA-1 in base64."""
        return q1(self.control_sha1)

    @property
    def control_sha1(self) -> bytes:
        """The control stream's SHA-1."""
        return hashlib.sha1(self.control, usedforsecurity=False).digest()

    @cached_property
    def data(self) -> bytes:
        """The data archive as uncompressed tar. Raises AlpineError."""
        out = bytearray()
        rest = self._packed
        while rest:
            part, used = inflate(rest, self.path, "data")
            out += part
            rest = rest[used:]
        return bytes(out)

    def members(self) -> Iterator[Member]:
        """The members of the data archive in its order, each checked. Raises AlpineError."""
        view = memoryview(self.data)
        for info in _tar_members(self.path, self.data, "data"):
            if info.name.startswith(".") and "/" not in info.name and info.name != ".":
                # apk takes what begins with a dot at the top for control information.
                raise AlpineError(self.path, f"data: {info.name!r} at the top isn't installed")
            end = info.offset_data + (info.size if info.isreg() else 0)
            content = view[info.offset_data : end]
            yield Member(info, content, self._checksum(info, content))

    def _checksum(self, info: tarfile.TarInfo, content: memoryview) -> bytes:
        """A member's SHA-1 after comparison with what the archive says it is."""
        said = info.pax_headers.get(CHECKSUM)
        if info.isdir():
            return b""
        if info.islnk():
            return bytes.fromhex(said) if said else b""
        of = info.linkname.encode() if info.issym() else content
        found = hashlib.sha1(of, usedforsecurity=False).digest()
        if said is not None and said.lower() != found.hex():
            raise AlpineError(
                self.path, f"data: {info.name!r} has the SHA-1 {found.hex()}, not {said}"
            )
        if said is None and info.isreg():
            raise AlpineError(self.path, f"data: {info.name!r} comes without checksum")
        return found


def q1(sha1: bytes) -> str:
    """A SHA-1 as Alpine's files write it."""
    return "Q1" + base64.b64encode(sha1).decode()


def inflate(packed: memoryview, path: object, what: str) -> tuple[bytes, int]:
    """Unpacks the gzip stream `packed` begins with; also how long it was, packed."""
    if packed[:2] != _GZIP:
        raise AlpineError(path, f"{what}: no gzip stream")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        out = unpacker.decompress(packed) + unpacker.flush()
    except zlib.error as error:
        raise AlpineError(path, f"{what}: can't be unpacked: {error}") from None
    if not unpacker.eof:
        raise AlpineError(path, f"{what}: truncated")
    return out, len(packed) - len(unpacker.unused_data)


def read_signatures(path: object, data: memoryview) -> tuple[tuple[Signature, ...], int]:
    """The signatures a package or index begins with, and where what they sign begins.

    Both are empty, and 0, for one without signatures. Raises AlpineError.
    """
    first, end = inflate(data, path, "first stream")
    signatures: list[Signature] = []
    infos = list(_tar_members(path, first, "first stream"))
    if not infos or not infos[0].name.startswith(".SIGN."):
        return (), 0
    for info in infos:
        match = SIGNATURE.fullmatch(info.name)
        if match is None or not info.isreg():
            raise AlpineError(path, f"has a signature of an unknown kind: {info.name!r}")
        content = first[info.offset_data : info.offset_data + info.size]
        signatures.append(Signature(match[2], _DIGESTS[match[1]], content))
    return tuple(signatures), end


def tar_files(path: object, data: bytes, what: str) -> dict[str, bytes]:
    """The regular files of a flat tar archive by name. Raises AlpineError for anything else."""
    files: dict[str, bytes] = {}
    for info in _tar_members(path, data, what):
        if not info.isreg() or "/" in info.name or info.name in files:
            raise AlpineError(path, f"{what}: {info.name!r} is no plain file, or there twice")
        files[info.name] = data[info.offset_data : info.offset_data + info.size]
    return files


def _tar_members(path: object, data: bytes, what: str) -> Iterator[tarfile.TarInfo]:
    """Members of a tar archive, which may lack its end. Raises AlpineError."""
    # Signatures and control information are parts of one archive: their tars have no end.
    stream = io.BytesIO(data + bytes(2 * tarfile.BLOCKSIZE))
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for info in tar:
                name = info.name.removeprefix("./").rstrip("/") or "."
                if name.startswith("/") or ".." in name.split("/"):
                    raise AlpineError(path, f"{what}: {info.name!r} is outside of the tree")
                info.name = name
                if info.isreg() and info.offset_data + info.size > len(data):
                    raise AlpineError(path, f"{what}: {name!r} is incomplete")
                yield info
            # tarfile takes a damaged header for the archive's end; a real end is all zeros.
            if data.count(0, tar.offset) != max(0, len(data) - tar.offset):
                raise AlpineError(path, f"{what}: malformed tar header at byte {tar.offset}")
    except tarfile.TarError as error:
        raise AlpineError(path, f"{what}: malformed tar: {error}") from None


def parse_info(path: object, text: str) -> dict[str, tuple[str, ...]]:
    """The fields of a .PKGINFO; see Apk.info. Raises AlpineError."""
    fields: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, separator, value = line.partition(" = ")
        if not separator and line.endswith(" ="):
            name, value = line.removesuffix(" ="), ""
        elif not separator:
            raise AlpineError(path, f".PKGINFO: malformed line {line!r}")
        if name not in _SINGLE + _REPEATED:
            raise AlpineError(path, f".PKGINFO: field {name!r} of unknown meaning")
        if name in _SINGLE and name in fields:
            raise AlpineError(path, f".PKGINFO: field {name!r} twice")
        fields[name] = (*fields.get(name, ()), value.strip())
    for name in _NEEDED:
        if not fields.get(name, ("",))[0]:
            raise AlpineError(path, f".PKGINFO: no {name!r}")
    return fields


def read_apk(path: Path) -> Apk:
    """Reads a package and checks its data's digest; signatures are for the caller to check.

    Raises AlpineError.
    """
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise AlpineError(path, f"can't be read: {error.strerror}") from None
    signatures, start = read_signatures(path, data)
    control, length = inflate(data[start:], path, "control")
    files = tar_files(path, control, "control")
    try:
        text = files.pop(".PKGINFO").decode("utf-8")
    except KeyError:
        raise AlpineError(path, "has no .PKGINFO") from None
    except UnicodeDecodeError as error:
        raise AlpineError(path, f".PKGINFO: {error}") from None
    info = parse_info(path, text)
    if unknown := sorted(name for name in files if name.removeprefix(".") not in SCRIPTS):
        raise AlpineError(path, f"has control files of unknown meaning: {', '.join(unknown)}")
    packed = data[start + length :]
    found = hashlib.sha256(packed).hexdigest()
    if found != info["datahash"][0]:
        raise AlpineError(path, f"its data has the SHA-256 {found}, not {info['datahash'][0]}")
    scripts = {name.removeprefix("."): content for name, content in files.items()}
    return Apk(path, signatures, data[start : start + length], info, scripts, packed)
