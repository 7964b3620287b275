"""Security descriptors: who may do what with a file, as bytes of [MS-DTYP] 2.4.6.

A layer's tar carries one for each file and folder. These are what Windows gives to what is made
below C:\\ by an administrator: full access for administrators and the system, reading and running
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
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(acl), len(entries), 0) + acl
    owner = 20
    group = owner + len(ADMINISTRATORS)
    # Self-relative, with a discretionary list; no list for audits.
    head = struct.pack("<BBHIIII", 1, 0, 0x8004, owner, group, 0, group + len(SYSTEM))
    return head + ADMINISTRATORS + SYSTEM + acl


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
