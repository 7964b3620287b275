"""Layers: what a tree has that the one below has not, and how that is written down."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping

from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry

Entries = Mapping[str, Entry]
_LETTER = {"dir": "d", "file": "f", "symlink": "l", "hardlink": "h"}


@dataclasses.dataclass(frozen=True, slots=True)
class Installed:
    """A package of a system, as lists of what is installed have it.

    `requested` says whether someone asked for it by name, `source` what it was built from.
    """

    name: str
    version: str
    architecture: str
    requested: bool
    source: str
    source_version: str


def layer_of(below: Entries, above: Entries) -> dict[str, Entry]:
    """Entries of `above` that `below` doesn't have or has differently, sorted by path.

    A layer can't take away what is below it: a path that's missing above is an error.
    """
    gone = sorted(set(below) - set(above))
    if gone:
        raise RootfsError(
            f"/{gone[0]}",
            f"of a layer below would have to be removed ({len(gone)} paths in all)",
            "Put the packages that conflict into one layer.",
        )
    added: dict[str, Entry] = {}
    for path in sorted(above):
        old, new = below.get(path), above[path]
        if old is new or (old is not None and old.same_as(new)):
            continue
        added[path] = new
    # A hard link needs its file in the same archive.
    for entry in list(added.values()):
        if entry.kind == "hardlink" and entry.target not in added:
            added[entry.target] = above[entry.target]
    return dict(sorted(added.items()))


def listing(entries: Entries) -> str:
    """One line per path: letter of the kind, mode, uid:gid, then size and SHA-256, or the target.

    ``f 0644 0:0 12 <sha256> /etc/hostname``, ``l 0777 0:0 -> usr/bin /bin``,
    ``h 0755 0:0 = usr/bin/perl /usr/bin/perl5.36.0``, ``d 0755 0:0 /etc``.
    """
    lines: list[str] = []
    for path, entry in sorted(entries.items()):
        if entry.kind == "file":
            extra = f"{len(entry.content)} {hashlib.sha256(entry.content).hexdigest()} "
        elif entry.kind == "symlink":
            extra = f"-> {entry.target} "
        elif entry.kind == "hardlink":
            extra = f"= {entry.target} "
        else:
            extra = ""
        head = f"{_LETTER[entry.kind]} {entry.mode:04o} {entry.uid}:{entry.gid}"
        lines.append(f"{head} {extra}/{path}\n")
    return "".join(lines)


def installed(packages: Iterable[Installed]) -> str:
    """JSON: a list of packages by name."""
    listed = sorted(packages, key=lambda package: package.name)
    return json.dumps([dataclasses.asdict(package) for package in listed], indent=1) + "\n"
