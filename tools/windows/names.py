"""Names that Windows takes for files, and what it makes of them.

The rules come from "Naming Files, Paths, and Namespaces" in Microsoft's documentation of Windows: a
file of another name can be made by the kernel's own calls, but hardly any program opens it.
"""

from __future__ import annotations

import re
from typing import Final

_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\/\x00-\x1f]')
# Of devices, with any extension; the superscript digits count as digits.
_DEVICE: Final = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE
)
# UTF-16 code units of a name; of a path with its drive, without the NUL at its end (MAX_PATH).
_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 259


def units(text: str) -> int:
    """The length of a text on Windows, in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def folded(path: str) -> str:
    """The path as Windows compares it: in capitals, one character for one."""
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in path)


def fault(name: str) -> str:
    """What is wrong with a file's name, to be read after it; empty where Windows takes it."""
    if name in ("", ".", ".."):
        return "is no name"
    if found := _FORBIDDEN.search(name):
        return f"has {found[0]!r}"
    if name[-1] in " .":
        return "ends in a space or a dot, which Windows drops"
    if _DEVICE.match(name):
        return "is a device's name"
    if any("\ud800" <= char <= "\udfff" for char in name):
        return "isn't text"
    if units(name) > _LONGEST_NAME:
        return f"has {units(name)} characters, more than {_LONGEST_NAME}"
    return ""


def path_fault(path: str) -> str:
    """What is wrong with a path on a drive (with /, without the drive); empty where nothing is."""
    for name in path.split("/"):
        if found := fault(name):
            return f"can't be a file's name on Windows: {name!r} {found}"
    if (length := units(f"C:\\{path}")) > _LONGEST_PATH:
        return f"is {length} characters long as a path on C:, more than {_LONGEST_PATH}"
    return ""
