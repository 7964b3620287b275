"""Reading Alpine packages: .apk files of format 2.

Such a file is up to three gzip streams, one after the other, each a tar archive: signatures over
the second stream, control information (`.PKGINFO` and scripts), and what gets installed. The
second one's SHA-1 is the package's identity in indexes; it names the third one's SHA-256. Anything
malformed, truncated or of an unknown kind is refused with an AlpineError.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tools.formats.alpine import fields
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.archives import inflate, tar
from tools.formats.archives.archive_error import ArchiveError

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
# What their values have to be; those of all others are text.
_CHECKS: Mapping[str, Callable[[str], object]] = {
    "pkgname": fields.name,
    "pkgver": fields.version,
    "arch": fields.architecture,
    "datahash": fields.sha256,
    "builddate": fields.time,
    **dict.fromkeys(("size", "replaces_priority", "provider_priority"), fields.number),
    **dict.fromkeys(("depend", "replaces", "provides", "install_if"), fields.dependencies),
}
_KEYWORDS = tar.STANDARD | {CHECKSUM}
_SHA1 = re.compile("[0-9a-fA-F]{40}")
# Bytes that the streams may unpack to: several times what the largest packages have.
_SIGNATURES_LIMIT = 1 << 20
_CONTROL_LIMIT = 1 << 24
_DATA_LIMIT = 1 << 32


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
        try:
            return bytes(inflate.unpack(self._packed, ".gz", _DATA_LIMIT))
        except ArchiveError as error:
            raise AlpineError(self.path, f"data: {error}") from None

    def members(self) -> Iterator[Member]:
        """The members of the data archive in its order, each checked. Raises AlpineError."""
        for info, content in _tar_members(self.path, self.data, "data"):
            if info.name.startswith(".") and "/" not in info.name and info.name != ".":
                # apk takes what begins with a dot at the top for control information.
                raise AlpineError(self.path, f"data: {info.name!r} at the top isn't installed")
            yield Member(info, content, self._checksum(info, content))

    def _checksum(self, info: tarfile.TarInfo, content: memoryview) -> bytes:
        """A member's SHA-1 after comparison with what the archive says it is."""
        said = info.pax_headers.get(CHECKSUM)
        if said is not None and not _SHA1.fullmatch(said):
            raise AlpineError(self.path, f"data: {info.name!r} has the checksum {said!r}")
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


def gunzip(packed: memoryview, path: object, what: str, limit: int) -> tuple[bytes, int]:
    """Unpack the gzip stream `packed` begins with; also how long it was, packed.

    Raises AlpineError where it's damaged, or has more than `limit` bytes, unpacked.
    """
    try:
        return inflate.gunzip(packed, limit)
    except ArchiveError as error:
        raise AlpineError(path, f"{what}: {error}") from None


def read_signatures(path: object, data: memoryview) -> tuple[tuple[Signature, ...], int]:
    """The signatures a package or index begins with, and where what they sign begins.

    Both are empty, and 0, for one without signatures. Raises AlpineError.
    """
    if not _begins_signed(data, path):
        return (), 0
    first, end = gunzip(data, path, "signatures", _SIGNATURES_LIMIT)
    signatures: list[Signature] = []
    for info, content in _tar_members(path, first, "signatures"):
        match = SIGNATURE.fullmatch(info.name)
        if match is None or not info.isreg():
            raise AlpineError(path, f"has a signature of an unknown kind: {info.name!r}")
        signatures.append(Signature(match[2], _DIGESTS[match[1]], bytes(content)))
    return tuple(signatures), end


def _begins_signed(data: memoryview, path: object) -> bool:
    """Whether the first member of the first stream is a signature; unpacks no more than that."""
    try:
        start = zlib.decompressobj(wbits=31).decompress(data, tarfile.BLOCKSIZE)
    except zlib.error as error:
        raise AlpineError(path, f"first stream: no gzip stream: {error}") from None
    return start.startswith(b".SIGN.")


def tar_files(path: object, data: bytes, what: str) -> dict[str, bytes]:
    """The regular files of a flat tar archive by name. Raises AlpineError for anything else."""
    files: dict[str, bytes] = {}
    for info, content in _tar_members(path, data, what):
        if not info.isreg() or "/" in info.name:
            raise AlpineError(path, f"{what}: {info.name!r} is no plain file")
        files[info.name] = bytes(content)
    return files


def _tar_members(path: object, data: bytes, what: str) -> Iterator[tar.Member]:
    """Members of a tar archive, which may lack its end. Raises AlpineError."""
    try:
        # Signatures and control information are parts of one archive: their tars have no end.
        yield from tar.members(data, keywords=_KEYWORDS, ended=False)
    except ArchiveError as error:
        raise AlpineError(path, f"{what}: {error}") from None


def parse_info(path: object, text: str) -> dict[str, tuple[str, ...]]:
    """The fields of a .PKGINFO; see Apk.info. Raises AlpineError."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        name, separator, value = line.partition(" = ")
        if not separator and line.endswith(" ="):
            name, value = line.removesuffix(" ="), ""
        elif not separator:
            raise AlpineError(path, f".PKGINFO: malformed line {line!r}")
        if name not in _SINGLE + _REPEATED:
            raise AlpineError(path, f".PKGINFO: field {name!r} of unknown meaning")
        if name in _SINGLE and name in found:
            raise AlpineError(path, f".PKGINFO: field {name!r} twice")
        try:
            _CHECKS.get(name, fields.text)(value.strip())
        except ValueError as error:
            raise AlpineError(path, f".PKGINFO: {name}: {error}") from None
        found[name] = (*found.get(name, ()), value.strip())
    for name in _NEEDED:
        if not found.get(name, ("",))[0]:
            raise AlpineError(path, f".PKGINFO: no {name!r}")
    return found


def read_apk(path: Path) -> Apk:
    """Read a package and check its data's digest; signatures are for the caller to check.

    Raises AlpineError.
    """
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise AlpineError(path, f"can't be read: {error.strerror}") from None
    signatures, start = read_signatures(path, data)
    control, length = gunzip(data[start:], path, "control", _CONTROL_LIMIT)
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
