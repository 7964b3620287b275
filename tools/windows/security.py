r"""Security descriptors: who may do what with a file, as bytes of [MS-DTYP] 2.4.6.

A layer's tar carries one for each file and folder. These are what Windows gives to what is made
below C:\ by an administrator: full access for administrators and the system, reading and running
for users, who may also make folders and files of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Flags of an entry: files below inherit it, folders below do, it is only there to be inherited.
_FILES, _FOLDERS, _BELOW_ONLY = 1, 2, 8

_ALL: Final = 0x001F01FF
_READ_AND_RUN: Final = 0x001200A9
_GENERIC_ALL: Final = 0x10000000
_ADD_FOLDER, _ADD_FILE = 0x4, 0x2

_HEAD: Final = struct.Struct("<BBHIIII")
_ACL: Final = struct.Struct("<BBHHH")
# Self-relative, with a discretionary list.
_WANTED: Final = 0x8004
_MOST_PARTS: Final = 15


def _sid(authority: int, *parts: int) -> bytes:
    """A security identifier: S-1-authority-part-part..."""
    return struct.pack(">BBHI", 1, len(parts), 0, authority) + struct.pack(
        f"<{len(parts)}I", *parts
    )


ADMINISTRATORS: Final = _sid(5, 32, 544)
USERS: Final = _sid(5, 32, 545)
SYSTEM: Final = _sid(5, 18)
CREATOR: Final = _sid(3, 0)


@dataclass(frozen=True)
class Allow:
    """Lets `who` (a SID) do what the bits of `mask` say; `flags` say to whom it is handed down."""

    who: bytes
    mask: int
    flags: int = 0

    def pack(self) -> bytes:
        """The bytes of an ACCESS_ALLOWED_ACE."""
        return struct.pack("<BBHI", 0, self.flags, 8 + len(self.who), self.mask) + self.who


def descriptor(entries: Sequence[Allow]) -> bytes:
    """A self-relative descriptor: administrators' own, the system's group, and these entries."""
    acl = b"".join(entry.pack() for entry in entries)
    acl = _ACL.pack(2, 0, _ACL.size + len(acl), len(entries), 0) + acl
    owner = 20
    group = owner + len(ADMINISTRATORS)
    # No list for audits.
    head = _HEAD.pack(1, 0, _WANTED, owner, group, 0, group + len(SYSTEM))
    return head + ADMINISTRATORS + SYSTEM + acl


def _check_sid(data: bytes, at: int, what: str) -> int:
    """The offset behind the SID that begins at `at`."""
    if not 0 < at <= len(data) - 8 or data[at] != 1 or data[at + 1] > _MOST_PARTS:
        raise ValueError(f"its {what} is no SID")
    end = at + 8 + 4 * data[at + 1]
    if end > len(data):
        raise ValueError(f"its {what} is cut short")
    return end


def check(data: bytes) -> None:
    """Raise ValueError unless `data` is a self-relative descriptor with a discretionary list."""
    if len(data) < _HEAD.size:
        raise ValueError("it is cut short")
    revision, _, control, owner, group, _, dacl = _HEAD.unpack_from(data)
    if revision != 1:
        raise ValueError(f"its revision is {revision}, not 1")
    if control & _WANTED != _WANTED:
        raise ValueError("it is not self-relative, or has no discretionary list")
    _check_sid(data, owner, "owner")
    _check_sid(data, group, "group")
    if not 0 < dacl <= len(data) - _ACL.size:
        raise ValueError("its list is cut short")
    kind, _, size, count, _ = _ACL.unpack_from(data, dacl)
    end, at = dacl + size, dacl + _ACL.size
    if kind not in (2, 4) or end > len(data):
        raise ValueError("its list is cut short, or none")
    for _ in range(count):
        if at + 8 > end:
            raise ValueError("its list ends before its last entry")
        length = struct.unpack_from("<H", data, at + 2)[0]
        if length < 8 or at + length > end:
            raise ValueError("an entry of its list is cut short")
        at += length


FILE: Final = descriptor(
    [Allow(ADMINISTRATORS, _ALL), Allow(SYSTEM, _ALL), Allow(USERS, _READ_AND_RUN)]
)
FOLDER: Final = descriptor(
    [
        Allow(ADMINISTRATORS, _ALL, _FILES | _FOLDERS),
        Allow(SYSTEM, _ALL, _FILES | _FOLDERS),
        Allow(CREATOR, _GENERIC_ALL, _FILES | _FOLDERS | _BELOW_ONLY),
        Allow(USERS, _READ_AND_RUN, _FILES | _FOLDERS),
        Allow(USERS, _ADD_FOLDER, _FOLDERS),
        Allow(USERS, _ADD_FILE, _FOLDERS),
    ]
)
