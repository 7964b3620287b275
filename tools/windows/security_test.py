"""Security descriptors, read back from their bytes and in the form Windows writes them in."""

from __future__ import annotations

import base64
import struct

from tools.windows import security

_RIGHTS = {0x001F01FF: "FA", 0x001200A9: "0x1200a9", 0x10000000: "GA", 4: "LC", 2: "DC"}
_NAMES = {"S-1-5-32-544": "BA", "S-1-5-32-545": "BU", "S-1-5-18": "SY", "S-1-3-0": "CO"}


def sid(data: bytes, at: int) -> str:
    revision, count, high, low = struct.unpack_from(">BBHI", data, at)
    parts = struct.unpack_from(f"<{count}I", data, at + 8)
    text = "-".join(map(str, ("S", revision, (high << 32) + low, *parts)))
    return _NAMES[text]


def sddl(data: bytes) -> str:
    """A descriptor in Windows' own notation, read by the format's description alone."""
    revision, _, control, owner, group, sacl, dacl = struct.unpack_from("<BBHIIII", data)
    assert (revision, sacl) == (1, 0)
    # Self-relative, with a discretionary list.
    assert control == 0x8000 | 0x0004
    revision, _, size, count, _ = struct.unpack_from("<BBHHH", data, dacl)
    assert revision == 2
    assert dacl + size == len(data)
    text = f"O:{sid(data, owner)}G:{sid(data, group)}D:"
    at = dacl + 8
    for _ in range(count):
        kind, flags, length, mask = struct.unpack_from("<BBHI", data, at)
        assert kind == 0
        names = "".join(name for bit, name in ((1, "OI"), (2, "CI"), (8, "IO")) if flags & bit)
        text += f"(A;{names};{_RIGHTS[mask]};;;{sid(data, at + 8)})"
        at += length
    assert at == len(data)
    return text


def test_a_file() -> None:
    assert sddl(security.FILE) == "O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)"


def test_a_folder() -> None:
    assert sddl(security.FOLDER) == (
        "O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)"
        "(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;CI;DC;;;BU)"
    )


def test_known_bytes() -> None:
    # Administrators' own, the system's group: how every descriptor that Windows exports begins.
    start = base64.b64encode(security.FILE[:48]).decode()
    assert start == "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAA"
