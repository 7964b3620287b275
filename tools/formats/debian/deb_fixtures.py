"""Small .deb files for tests, made without any Debian tool."""

from __future__ import annotations

import gzip
import importlib
import io
import lzma
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any


def make_tar(
    members: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.GNU_FORMAT
) -> bytes:
    """An uncompressed tar, GNU's by default, of the given members; sizes are filled in."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def file(name: str, mode: int = 0o644, mtime: int = 0) -> tarfile.TarInfo:
    """A regular file's tar header, owned by root."""
    info = tarfile.TarInfo(name)
    info.mode, info.mtime, info.uname, info.gname = mode, mtime, "root", "root"
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


def ar(members: Mapping[str, bytes], time: int = 0) -> bytes:
    """An ar archive as dpkg-deb writes it; `time` is that of all members."""
    out = bytearray(b"!<arch>\n")
    for name, data in members.items():
        out += f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return bytes(out)


def pack(data: bytes, compression: str) -> bytes:
    r"""The data compressed as a member with this end of its name is; unchanged for ""."""
    if compression == ".xz":
        return lzma.compress(data, preset=0)
    if compression == ".gz":
        return gzip.compress(data, mtime=0)
    if compression == ".zst":
        zstandard: Any = importlib.import_module("zstandard")
        packed: bytes = zstandard.ZstdCompressor().compress(data)
        return packed
    return data


def make_deb(
    control: str,
    members: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    *,
    scripts: Mapping[str, bytes] | None = None,
    compression: str = ".xz",
    form: int = tarfile.GNU_FORMAT,
    time: int = 0,
) -> bytes:
    """A .deb with this control file, data members and maintainer scripts, packed at `time`."""
    control_members = [(directory("./"), b""), (file("./control"), control.encode())]
    for name, content in (scripts or {}).items():
        control_members.append((file(f"./{name}", 0o755), content))
    return ar(
        {
            "debian-binary": b"2.0\n",
            f"control.tar{compression}": pack(make_tar(control_members), compression),
            f"data.tar{compression}": pack(make_tar(members, form), compression),
        },
        time,
    )
