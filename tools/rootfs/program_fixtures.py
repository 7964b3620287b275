"""Programs and libraries for tests of any kind of root file system."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import struct
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.rootfs.arch import Arch
from tools.rootfs.arches import arches

ARCHES = arches()
AMD64 = ARCHES["amd64"]
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SONAME = 0, 1, 5, 14


def in_spec(arch: Arch, name: str = "") -> dict[str, object]:
    """An architecture as a spec has it, by the name of another distribution if one is given."""
    value = dataclasses.asdict(arch)
    abi = value.pop("cache_flags") >> 8
    return value | {"name": name or arch.name, "ld_so_cache": abi}


def elf(
    soname: str | None = None,
    needed: Iterable[str] = (),
    *,
    arch: Arch = AMD64,
) -> bytes:
    """A shared object with nothing but a dynamic section, as any loader would list it."""
    order = "<" if arch.endian == "little" else ">"
    wide = arch.bits == 64
    strings = bytearray(b"\0")
    tags: list[tuple[int, int]] = []
    for tag, text in [(_DT_NEEDED, name) for name in needed] + [(_DT_SONAME, soname)] * bool(
        soname
    ):
        tags.append((tag, len(strings)))
        strings += f"{text}".encode() + b"\0"
    header, segment, entry = (64, 56, 16) if wide else (52, 32, 8)
    dynamic_at = header + 2 * segment
    dynamic_size = entry * (len(tags) + 2)
    strings_at = dynamic_at + dynamic_size
    tags += [(_DT_STRTAB, strings_at), (_DT_NULL, 0)]
    size = strings_at + len(strings)
    word = "Q" if wide else "I"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    head = struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH",
        3, arch.machine, 1, 0, header, 0, 0, header, segment, 2, 0, 0, 0,
    )  # fmt: skip
    segments = b""
    for kind, at, length in ((1, 0, size), (2, dynamic_at, dynamic_size)):
        if wide:
            segments += struct.pack(f"{order}IIQQQQQQ", kind, 4, at, at, at, length, length, 8)
        else:
            segments += struct.pack(f"{order}IIIIIIII", kind, at, at, at, length, length, 4, 4)
    body = b"".join(struct.pack(order + ("qQ" if wide else "iI"), *tag) for tag in tags)
    return ident + head + segments + body + bytes(strings)


def programs(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write a tar of files."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.mode, info.size = 0o755, len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
