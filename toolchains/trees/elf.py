"""The two facts about an ELF file that assembling a toolchain needs, read from its headers."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"\x7fELF"
EM_X86_64 = 62
EM_AARCH64 = 183

_PT_INTERP = 3


@dataclass(frozen=True)
class ElfHeader:
    """What an ELF file says of itself.

    Attributes:
        bits: 32 or 64.
        machine: the e_machine number, such as EM_X86_64.
        needs_loader: the program is started by a dynamic loader (it has a PT_INTERP segment).
    """

    bits: int
    machine: int
    needs_loader: bool


def parse(data: bytes | memoryview) -> ElfHeader | None:
    """Read the headers of an ELF file.

    Args:
        data: the whole file.

    Returns:
        Its header, or None if the file is not a (complete) ELF file.
    """
    if bytes(data[:4]) != MAGIC or len(data) < 52:
        return None
    bits = {1: 32, 2: 64}.get(data[4])
    order = {1: "<", 2: ">"}.get(data[5])
    if bits is None or order is None:
        return None
    (machine,) = struct.unpack_from(order + "H", data, 18)
    try:
        if bits == 64:
            (offset,) = struct.unpack_from(order + "Q", data, 32)
            size, count = struct.unpack_from(order + "HH", data, 54)
        else:
            (offset,) = struct.unpack_from(order + "I", data, 28)
            size, count = struct.unpack_from(order + "HH", data, 42)
        kinds = [struct.unpack_from(order + "I", data, offset + size * i)[0] for i in range(count)]
    except struct.error:
        return None
    return ElfHeader(bits, machine, _PT_INTERP in kinds)
