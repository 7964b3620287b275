"""Compares two root file systems path by path, against a list of accepted differences."""

from __future__ import annotations

import fnmatch
import hashlib
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs.tree import Entry


@dataclass(frozen=True, slots=True)
class Node:
    """What is compared of a path: kind, mode, owner, link text and content; not the mtime."""

    kind: str
    mode: int
    uid: int
    gid: int
    target: str
    content: bytes

    def __str__(self) -> str:
        """One line for a report."""
        extra = f" -> {self.target}" if self.target else ""
        if self.kind == "file":
            extra = f" {len(self.content)} bytes, sha256 {hashlib.sha256(self.content).hexdigest()}"
        return f"{self.kind} {self.mode:04o} {self.uid}:{self.gid}{extra}"


@dataclass(slots=True)
class Allowed:
    """A line of the list: how paths matching `pattern` may differ, and whether one did."""

    line: int
    how: str
    pattern: str
    used: bool = False


def _settings(text: bytes) -> object:
    return [line for line in text.split(b"\n") if line.strip() and not line.startswith(b"#")]


def _paragraphs(text: bytes) -> object:
    return sorted(part for part in text.split(b"\n\n") if part.strip())


def _lines(text: bytes) -> object:
    return sorted(text.split(b"\n"))


def _records(text: bytes) -> object:
    lines = text.split(b"\n")[:-1]
    return sorted(tuple(lines[i : i + 3]) for i in range(0, len(lines), 3))


def _priority(text: bytes) -> object:
    return re.sub(rb"^Priority: .*\n", b"", text, flags=re.MULTILINE)


# The ELF note of type "build ID": sizes of name and value, type, name, then 20 bytes.
_BUILD_ID = re.compile(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0.{20}", re.DOTALL)


def _build_id(content: bytes) -> object:
    return _BUILD_ID.sub(b"", content)


def _nothing(content: bytes) -> object:
    return None


_EQUAL_BUT_FOR: dict[str, Callable[[bytes], object]] = {
    "settings": _settings,
    "lines": _lines,
    "paragraphs": _paragraphs,
    "records": _records,
    "priority": _priority,
    "build-id": _build_id,
    "content": _nothing,
}


def read_allowed(path: Path) -> list[Allowed]:
    """Read a list of accepted differences; ValueError for a malformed line."""
    found: list[Allowed] = []
    for number, raw in enumerate(path.read_text("utf-8").splitlines(), 1):
        words = raw.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or words[0] not in ("missing", "extra", *_EQUAL_BUT_FOR):
            raise ValueError(f"{path}:{number}: not '<how> <path>': {raw!r}")
        found.append(Allowed(number, words[0], words[1]))
    return found


def nodes_of_tar(path: Path) -> dict[str, Node]:
    """Paths of a tar archive, hard links as the file they name."""
    nodes: dict[str, Node] = {}
    with tarfile.open(path) as tar:
        for info in tar:
            name = info.name.removeprefix("./").strip("/").removeprefix(".")
            if info.islnk():
                nodes[name] = nodes[info.linkname.removeprefix("./")]
                continue
            stream = tar.extractfile(info) if info.isreg() else None
            kind = "dir" if info.isdir() else "symlink" if info.issym() else "file"
            mode = 0o777 if info.issym() else info.mode
            content = stream.read() if stream else b""
            nodes[name] = Node(kind, mode, info.uid, info.gid, info.linkname, content)
    return nodes


def nodes_of_entries(entries: Mapping[str, Entry]) -> dict[str, Node]:
    """The same for computed entries."""
    nodes: dict[str, Node] = {}
    for path, entry in entries.items():
        real = entries[entry.target] if entry.kind == "hardlink" else entry
        content, target = bytes(real.content), real.target
        nodes[path] = Node(real.kind, real.mode, real.uid, real.gid, target, content)
    return nodes


def differences(
    ours: Mapping[str, Node], theirs: Mapping[str, Node], allowed: list[Allowed]
) -> list[str]:
    """One line per difference that isn't allowed; marks the entries of the list that are used."""
    found: list[str] = []
    for path in sorted({*ours, *theirs}):
        mine, other = ours.get(path), theirs.get(path)
        if mine == other or _is_allowed(path, mine, other, allowed):
            continue
        found.append(
            f"/{path}\n    computed:  {mine or 'missing'}\n    reference: {other or 'missing'}"
        )
    return found


def _is_allowed(path: str, mine: Node | None, other: Node | None, allowed: list[Allowed]) -> bool:
    for entry in allowed:
        if not fnmatch.fnmatchcase(path, entry.pattern):
            continue
        if entry.how == "missing":
            fits = mine is None
        elif entry.how == "extra":
            fits = other is None
        else:
            fits = mine is not None and other is not None and _equal_but_for(entry.how, mine, other)
        if fits:
            entry.used = True
            return True
    return False


def _equal_but_for(how: str, mine: Node, other: Node) -> bool:
    same = (mine.kind, mine.mode, mine.uid, mine.gid, mine.target) == (
        other.kind,
        other.mode,
        other.uid,
        other.gid,
        other.target,
    )
    normal = _EQUAL_BUT_FOR[how]
    return same and normal(mine.content) == normal(other.content)
