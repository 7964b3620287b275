"""Read what dynamic linking needs from ELF files of any class and byte order.

The layout is that of elf(5) and of the System V gABI, chapters 4 and 5. By hand, not by pyelftools:
actions look at every file of a root file system, read only the program headers of those that are
ELF, and need no wheel for it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"\x7fELF"
# Values of e_machine.
EM_X86_64, EM_AARCH64 = 62, 183
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 14, 15, 29
_ET_DYN = 3


class ElfError(ValueError):
    """The file has ELF's magic but is damaged."""


@dataclass(frozen=True, slots=True)
class Elf:
    """Dynamic linking information of one ELF file.

    Attributes:
        bits: 32 or 64.
        endian: ``little`` or ``big``.
        machine: e_machine.
        flags: e_flags.
        shared: whether it is of type ET_DYN (shared objects, position-independent programs).
        dynamic: whether it has a dynamic section.
        soname: DT_SONAME, None if absent.
        needed: DT_NEEDED in order.
        runpath: DT_RUNPATH, else DT_RPATH; the colon-separated list as it is.
        interpreter: PT_INTERP, None if absent.
    """

    bits: int
    endian: str
    machine: int
    flags: int
    shared: bool
    dynamic: bool
    soname: str | None
    needed: tuple[str, ...]
    runpath: str
    interpreter: str | None


def read_elf(data: bytes | memoryview) -> Elf | None:
    """The dynamic linking information of a file, None if it isn't ELF; ElfError if damaged."""
    if bytes(data[:4]) != MAGIC:
        return None
    try:
        return _read(memoryview(data))
    except (struct.error, IndexError, KeyError, OverflowError, UnicodeDecodeError) as error:
        raise ElfError(str(error)) from None


def _read(data: memoryview) -> Elf:
    bits = {1: 32, 2: 64}[data[4]]
    endian = {1: "little", 2: "big"}[data[5]]
    order = "<" if endian == "little" else ">"
    # e_type, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize,
    # e_phnum
    word = "I" if bits == 32 else "Q"
    header = struct.unpack_from(f"{order}HHI{word}{word}{word}IHHH", data, 16)
    e_type, machine, flags = header[0], header[1], header[6]
    offset, entry_size, count = header[4], header[8], header[9]
    loads: list[tuple[int, int, int]] = []
    dynamic: tuple[int, int] | None = None
    interpreter: str | None = None
    for index in range(count):
        kind, at, address, size = _segment(data, order, bits, offset + index * entry_size)
        if kind == _PT_LOAD:
            loads.append((address, at, size))
        elif kind == _PT_DYNAMIC:
            dynamic = (at, size)
        elif kind == _PT_INTERP:
            interpreter = bytes(data[at : at + size]).rstrip(b"\0").decode()
    tags = _tags(data, order, bits, *dynamic) if dynamic else []
    values = dict(reversed(tags))
    strings = _file_offset(loads, values[_DT_STRTAB]) if _DT_STRTAB in values else None

    def text(tag: int) -> str | None:
        return _text(data, strings, values[tag]) if tag in values else None

    return Elf(
        bits=bits,
        endian=endian,
        machine=machine,
        flags=flags,
        shared=e_type == _ET_DYN,
        dynamic=dynamic is not None,
        soname=text(_DT_SONAME),
        needed=tuple(_text(data, strings, value) for tag, value in tags if tag == _DT_NEEDED),
        runpath=text(_DT_RUNPATH) or text(_DT_RPATH) or "",
        interpreter=interpreter,
    )


def _segment(data: memoryview, order: str, bits: int, at: int) -> tuple[int, int, int, int]:
    """Type, file offset, address and size in the file of a program header."""
    if bits == 64:
        kind, _, offset, address, _, size = struct.unpack_from(f"{order}IIQQQQ", data, at)
    else:
        kind, offset, address, _, size = struct.unpack_from(f"{order}IIIII", data, at)
    return kind, offset, address, size


def _tags(data: memoryview, order: str, bits: int, at: int, size: int) -> list[tuple[int, int]]:
    layout = struct.Struct(order + ("qQ" if bits == 64 else "iI"))
    found: list[tuple[int, int]] = []
    for offset in range(at, at + size, layout.size):
        tag, value = layout.unpack_from(data, offset)
        if tag == _DT_NULL:
            break
        found.append((tag, value))
    return found


def _file_offset(loads: list[tuple[int, int, int]], address: int) -> int:
    for start, offset, size in loads:
        if start <= address < start + size:
            return address - start + offset
    raise ElfError(f"address {address:#x} is in no loaded segment")


def _text(data: memoryview, strings: int | None, offset: int) -> str:
    if strings is None:
        raise ElfError("has names but no string table")
    start = strings + offset
    end = start
    while data[end]:
        end += 1
    return bytes(data[start:end]).decode()
