"""The form in which a layer's listing is checked in.

Sizes and digests are kept below /etc only, where most of what is computed lies. So a security
update of a package changes the lines of files that come and go, not one for each file. /etc/shadow
has none: it tells the day of the newest package.

A root file system with documentation has tens of thousands of paths. Of those outside of /etc a
summary is kept, one line per folder that has several: it tells where to look in the listing itself.
"""

from __future__ import annotations

import hashlib
import re

# Of /usr/share/doc: the empty name before the first slash counts.
_DEPTH = 4
_FILE = re.compile(r"^(f \d{4} \d+:\d+) \d+ [0-9a-f]{64} (/(?!etc/(?!shadow$)).*)$", re.MULTILINE)


def condense(listing: str) -> str:
    """A listing of tools.rootfs (its `listing` output) in the form that is checked in."""
    return _FILE.sub(r"\1 \2", listing)


def summarise(listing: str) -> str:
    """The same, shorter: ``/usr/share/doc: 1234 paths, <sha256 of their lines>`` but for /etc."""
    kept: list[str] = []
    folders: dict[str, list[str]] = {}
    for line in condense(listing).splitlines(keepends=True):
        path = line[line.rindex(" /") + 1 :].rstrip("\n")
        if path.startswith("/etc/"):
            kept.append(line)
        else:
            folders.setdefault("/".join(path.split("/")[:_DEPTH]), []).append(line)
    for folder, lines in sorted(folders.items()):
        if len(lines) == 1:
            kept += lines
            continue
        digest = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
        kept.append(f"{folder}: {len(lines)} paths, {digest}\n")
    return "".join(kept)
