"""The run-time loader's cache, /etc/ld.so.cache: which libraries belong in it, and its format.

Follows ldconfig of glibc 2.32 and later, which writes the "new" format only: a header, entries
sorted by name in descending order, the strings, and an extension section naming the generator.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable
from dataclasses import dataclass

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER_SIZE = 48
_ENTRY_SIZE = 24
_ENDIAN_FLAG = {"little": 2, "big": 3}
_EXTENSION_MAGIC = 0xEAA42174
_EXTENSION_GENERATOR = 0
_EXTENSION_HEADER_SIZE = 8 + 16


@dataclass(frozen=True, slots=True)
class Library:
    """One line of ``ldconfig -p``: a name, its file and the ABI flags of the architecture."""

    name: str
    path: str
    flags: int


def _compare_names(first: str, second: str) -> int:
    """Order of library names: as text, but runs of digits count as numbers."""
    i = j = 0
    while i < len(first):
        a = first[i]
        b = second[j] if j < len(second) else "\0"
        if a.isdigit() and b.isdigit():
            i_end, j_end = _digits_end(first, i), _digits_end(second, j)
            difference = int(first[i:i_end]) - int(second[j:j_end])
            if difference:
                return difference
            i, j = i_end, j_end
        elif a.isdigit():
            return 1
        elif b.isdigit():
            return -1
        elif a != b:
            return ord(a) - ord(b)
        else:
            i, j = i + 1, j + 1
    return -1 if j < len(second) else 0


def _digits_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end].isdigit():
        end += 1
    return end


def _compare_descending(first: str, second: str) -> int:
    return _compare_names(second, first)


name_order = functools.cmp_to_key(_compare_descending)


def _string_table(strings: Iterable[str]) -> tuple[bytes, dict[str, int]]:
    """The strings one after another, ends shared, and the offset of each.

    The order is glibc's: by the reversed strings, descending, so that a string comes directly
    after one that ends with it.
    """
    offsets: dict[str, int] = {}
    blob = bytearray()
    last, last_offset = "", 0
    ordered = sorted({s.encode() for s in strings}, key=lambda s: s[::-1], reverse=True)
    for raw in ordered:
        text = raw.decode()
        if last and last.endswith(text):
            offsets[text] = last_offset + len(last.encode()) - len(raw)
            continue
        last, last_offset = text, len(blob)
        offsets[text] = last_offset
        blob += raw + b"\0"
    return bytes(blob), offsets


def write_cache(libraries: Iterable[Library], *, endian: str, generator: str) -> bytes:
    """The cache's bytes. Of libraries of one name, the first given is found first."""
    entries = sorted(libraries, key=lambda library: name_order(library.name))
    blob, offsets = _string_table(s for entry in entries for s in (entry.name, entry.path))
    order = "<" if endian == "little" else ">"
    strings_at = _HEADER_SIZE + _ENTRY_SIZE * len(entries)
    extension_at = (strings_at + len(blob) + 3) & ~3
    out = bytearray(_MAGIC)
    out += struct.pack(
        f"{order}IIB3xI12x", len(entries), len(blob), _ENDIAN_FLAG[endian], extension_at
    )
    for entry in entries:
        name_at, path_at = strings_at + offsets[entry.name], strings_at + offsets[entry.path]
        # No library here is limited to an OS version or a hardware capability.
        out += struct.pack(f"{order}iIIIQ", entry.flags, name_at, path_at, 0, 0)
    out += blob
    out += bytes(extension_at - len(out))
    text = generator.encode()
    out += struct.pack(f"{order}II", _EXTENSION_MAGIC, 1)
    text_at = extension_at + _EXTENSION_HEADER_SIZE
    out += struct.pack(f"{order}IIII", _EXTENSION_GENERATOR, 0, text_at, len(text))
    return bytes(out + text)
