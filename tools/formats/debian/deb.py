"""Reading .deb files: the control information and the members of the data archive.

A .deb is an `ar` archive of three members: `debian-binary` (the format's version), `control.tar.*`
(control file, maintainer scripts, ...) and `data.tar.*` (what gets installed); see deb(5). Anything
malformed, truncated or of an unknown kind is refused with a DebError.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple, cast

from tools.formats.archives import inflate, rules, tar
from tools.formats.archives.archive_error import ArchiveError
from tools.formats.debian import fields

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER_SIZE = 60
_AR_HEADER_END = b"`\n"
# Bytes that the archives may unpack to: several times what the largest packages have.
_CONTROL_LIMIT = 1 << 26
_DATA_LIMIT = 1 << 32


class DebError(Exception):
    """A .deb that can't be used: attributes `path` and `why`."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class ControlFile(NamedTuple):
    """A file of the control archive: permission bits, content, modification time (Unix)."""

    mode: int
    data: bytes
    mtime: int


@dataclass(frozen=True)
class Deb:
    """One binary package.

    Attributes:
        path: where it was read from, for errors.
        control: the fields of the control file, in its order and with its spelling. A value of
            several lines keeps them as they are: a line feed and the line with its leading blank.
        control_files: all files of the control archive by name ("control", "postinst", ...).
        time: the newest time that a member of the ar archive carries, in seconds since 1970.
            dpkg-deb writes SOURCE_DATE_EPOCH there, the date of the changelog's newest entry; 0
            where whoever packed it recorded none.
    """

    path: Path
    control: Mapping[str, str]
    control_files: Mapping[str, ControlFile]
    time: int
    _data_name: str = field(repr=False)
    _packed: memoryview = field(repr=False)

    @cached_property
    def data(self) -> bytes:
        """The data archive as uncompressed tar, held in memory. Raises DebError."""
        return bytes(_unpack(self.path, self._data_name, self._packed, _DATA_LIMIT))

    def open_data(self) -> IO[bytes]:
        """The data archive as a stream of uncompressed tar, for `tarfile.open(mode="r|")`.

        Unlike `data` and `members` it needs no memory for the whole (but for zstd), and what's
        malformed shows only while reading, as the error of the decompressor or of tarfile.
        """
        return _open(self.path, self._data_name, self._packed)

    def members(self) -> Iterator[tar.Member]:
        """The members of the data archive, in its order, each checked. Raises DebError."""
        return _members(self.path, self._data_name, self.data)


def _ar_members(path: Path, archive: memoryview) -> Iterator[tuple[str, int, memoryview]]:
    """Name, time and content of each member."""
    if archive[: len(_AR_MAGIC)] != _AR_MAGIC:
        raise DebError(path, "not a .deb: no ar archive")
    offset = len(_AR_MAGIC)
    while offset < len(archive):
        header = bytes(archive[offset : offset + _AR_HEADER_SIZE])
        if len(header) < _AR_HEADER_SIZE or header[58:] != _AR_HEADER_END:
            raise DebError(path, f"malformed or truncated ar header at byte {offset}")
        name = header[:16].decode("ascii", "replace").rstrip().removesuffix("/")
        digits = header[48:58].strip()
        if not digits.isdigit():
            raise DebError(path, f"member {name!r} has the size {digits!r}")
        time = header[16:28].strip() or b"0"
        if not time.isdigit() or int(time) > rules.MAXIMUM_TIME:
            raise DebError(path, f"member {name!r} has the time {time!r}")
        size = int(digits)
        start = offset + _AR_HEADER_SIZE
        if start + size > len(archive):
            raise DebError(path, f"truncated: member {name!r} is incomplete")
        yield name, int(time), archive[start : start + size]
        offset = start + size + size % 2  # members are padded to even offsets


def _open(path: Path, name: str, packed: memoryview) -> IO[bytes]:
    _, _, compression = name.partition(".tar")
    stream = io.BytesIO(packed)
    match compression:
        case "":
            return stream
        case ".xz" | ".lzma":
            return lzma.open(stream)
        case ".gz":
            return cast(IO[bytes], gzip.open(stream))
        case ".bz2":
            return bz2.open(stream)
        case ".zst":
            return io.BytesIO(_unpack(path, name, packed, _DATA_LIMIT))
    raise DebError(path, f"member {name!r}: compression {compression!r} isn't supported")


def _unpack(path: Path, name: str, packed: memoryview, limit: int) -> bytes | memoryview:
    try:
        return inflate.unpack(packed, name.partition(".tar")[2], limit)
    except ArchiveError as error:
        raise DebError(path, f"member {name!r}: {error}") from None


def _members(path: Path, archive: str, data: bytes | memoryview) -> Iterator[tar.Member]:
    try:
        # dpkg knows no extended headers, so what they say would be lost.
        yield from tar.members(data, keywords=())
    except ArchiveError as error:
        raise DebError(path, f"{archive}: {error}") from None


def parse_control(path: Path, text: str) -> dict[str, str]:
    """The fields of one control paragraph; see Deb.control. Raises DebError naming `path`."""
    try:
        return fields.parse(text)
    except ValueError as error:
        raise DebError(path, f"control file: {error}") from None


def _control_files(path: Path, name: str, packed: memoryview) -> dict[str, ControlFile]:
    files: dict[str, ControlFile] = {}
    for info, data in _members(path, name, _unpack(path, name, packed, _CONTROL_LIMIT)):
        if info.isdir() and info.name == ".":
            continue
        if not info.isreg() or not fields.CONTROL_FILE.fullmatch(info.name):
            raise DebError(path, f"{name}: {info.name!r} is no plain file")
        files[info.name] = ControlFile(info.mode & 0o7777, bytes(data), int(info.mtime))
    return files


def read_deb(path: Path) -> Deb:
    """Read a .deb. The data archive is unpacked later, when asked for. Raises DebError."""
    try:
        archive = memoryview(path.read_bytes())
    except OSError as error:
        raise DebError(path, f"can't be read: {error.strerror}") from None
    found: dict[str, tuple[str, memoryview]] = {}
    newest = 0
    for index, (name, time, content) in enumerate(_ar_members(path, archive)):
        newest = max(newest, time)
        if index == 0:
            if name != "debian-binary" or not bytes(content[:8]).startswith(b"2."):
                raise DebError(path, "not a .deb of format 2: no debian-binary member saying so")
            continue
        part = name.partition(".")[0]
        if name.startswith("_"):  # deb(5): to be ignored
            continue
        if part not in ("control", "data") or not name.startswith(f"{part}.tar"):
            raise DebError(path, f"unexpected member {name!r}")
        if part in found:
            raise DebError(path, f"second {part} member {name!r}")
        found[part] = (name, content)
    for part in ("control", "data"):
        if part not in found:
            raise DebError(path, f"no {part}.tar member")
    files = _control_files(path, *found["control"])
    if "control" not in files:
        raise DebError(path, "no control file in the control archive")
    try:
        text = files["control"].data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DebError(path, f"control file: {error}") from None
    data_name, data = found["data"]
    return Deb(path, parse_control(path, text), files, newest, data_name, data)
