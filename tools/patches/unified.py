"""Unified diffs, read and applied strictly: every byte of the context has to be there.

No fuzz: a hunk fits where its old lines stand, at the line it names or, if the file has moved, at
the only other place that has them. Names are stripped of their first folder (``a/Lib/os.py``), as
``patch -p1`` and ``git apply`` do. Lines are bytes with their ends, so a file's CRLF and a last
line without an end are kept. Needs the standard library alone: the catalog's loader reads patches.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence
from typing import Final, Literal

from tools.text import quote

Kind = Literal["change", "create", "delete"]

# Far more than a fix has; what is longer is no patch for review.
MAX_BYTES: Final = 4 << 20

_HUNK: Final = re.compile(
    rb"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@(?: .*)?\n?"
)
# Lines between `diff --git` and `---` that say more than other lines.
_UNSUPPORTED: Final = {
    b"rename from ": "renames a file",
    b"copy from ": "copies a file",
    b"old mode ": "changes a file's mode",
    b"GIT binary patch": "changes a file that is no text",
    b"Binary files ": "changes a file that is no text",
}
_NULL: Final = b"/dev/null"
_LEAVE_OUT: Final = "leave that file out: git diff … -- . ':(exclude)PATH'"
_AGAINST: Final = "make the patch against this source"


class PatchError(Exception):
    """What is wrong with a patch.

    Attributes:
        line: 1-based line of the patch.
        problem: what is wrong there.
        remedy: what to do about it.
    """

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        self.line = line
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"line {line}: {problem}; {remedy}")


@dataclasses.dataclass(frozen=True)
class Hunk:
    """Lines that others replace.

    Attributes:
        number: which of the file's hunks, from 1.
        line: 1-based line of the patch where it begins.
        start: 1-based line of the old file where `old` begins; 0 before the first line.
        old: the old lines with their ends, the unchanged ones around them included.
        new: what they become.
    """

    number: int
    line: int
    start: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


@dataclasses.dataclass(frozen=True)
class Change:
    """What a patch does to one file.

    Attributes:
        path: of the file, below the source's folder.
        kind: whether the file is changed, created or deleted.
        executable: whether a created file is a program.
        line: 1-based line of the patch where it begins.
        hunks: in the file's order.
    """

    path: str
    kind: Kind
    executable: bool
    line: int
    hunks: tuple[Hunk, ...]


class _Lines:
    """A patch's lines, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.all = _split(data)
        self.at = 0

    @property
    def number(self) -> int:
        """1-based number of the next line."""
        return self.at + 1

    def peek(self, ahead: int = 0) -> bytes:
        """The next line, or one after it; empty behind the end."""
        return self.all[self.at + ahead] if self.at + ahead < len(self.all) else b""

    def next(self) -> bytes:
        """The next line, which is read by this."""
        line = self.peek()
        self.at += 1
        return line


def _split(data: bytes) -> list[bytes]:
    """Lines with their ends; bytes.splitlines would end lines at a lone CR as well."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def parse(data: bytes) -> list[Change]:
    """The files that a patch changes, in its order.

    Raises:
        PatchError: it changes nothing, has something but text, or names a path outside of the
            source.
    """
    if len(data) > MAX_BYTES:
        raise PatchError(1, f"has more than {MAX_BYTES} bytes", "split it, or check the path")
    lines = _Lines(data)
    changes: list[Change] = []
    executable = False
    while lines.at < len(lines.all):
        line = lines.peek()
        if line.startswith(b"diff --git "):
            executable = _git_header(lines)
        elif line.startswith(b"--- ") and lines.peek(1).startswith(b"+++ "):
            changes.append(_change(lines, executable))
            executable = False
        else:
            lines.next()
    if not changes:
        raise PatchError(
            1, "has no file to change", "write a unified diff, such as git format-patch does"
        )
    return changes


def _git_header(lines: _Lines) -> bool:
    """Read what git says before a file's diff; whether the file is a new program."""
    start = lines.number
    lines.next()
    executable = False
    while lines.peek() and not lines.peek().startswith((b"diff --git ", b"--- ")):
        line = lines.peek()
        for prefix, problem in _UNSUPPORTED.items():
            if line.startswith(prefix):
                raise PatchError(lines.number, problem, _LEAVE_OUT)
        executable = executable or line.startswith(b"new file mode 100755")
        lines.next()
    if not lines.peek().startswith(b"--- "):
        raise PatchError(start, "says nothing of the file's text", _LEAVE_OUT)
    return executable


def _path(line: bytes, number: int) -> str | None:
    """The path in a line ``--- a/PATH`` without its first folder; None of /dev/null."""
    name = line[4:].rstrip(b"\n").partition(b"\t")[0]
    if name.endswith(b"\r"):
        raise PatchError(
            number, "ends with CR LF, as Windows' editors end lines", "convert it: dos2unix FILE"
        )
    if name == _NULL:
        return None
    try:
        text = quote.line(name.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        raise PatchError(number, f"{name!r} is no plain path", _LEAVE_OUT) from None
    _, slash, path = text.partition("/")
    if text.startswith('"') or "\\" in text or {"", ".", ".."} & set(text.split("/")):
        raise PatchError(
            number,
            f"{text!r} is no path in the source",
            "write it as git does, a/PATH and b/PATH",
        )
    if not slash:
        raise PatchError(
            number,
            f"{text!r} has no folder to strip",
            "write paths as git does, a/PATH and b/PATH (patch -p1)",
        )
    return path


def _change(lines: _Lines, executable: bool) -> Change:
    start = lines.number
    old = _path(lines.next(), start)
    new = _path(lines.next(), start + 1)
    if old is None and new is None:
        raise PatchError(start, "changes no file", "remove it")
    if old is not None and new is not None and old != new:
        raise PatchError(start, f"makes {new!r} of {old!r}", "name the same file twice")
    hunks: list[Hunk] = []
    while lines.peek().startswith(b"@@ "):
        hunks.append(_hunk(lines, len(hunks) + 1))
    if not hunks:
        raise PatchError(lines.number, "a hunk (@@ -1,2 +1,3 @@) has to follow", "write it again")
    for before, after in itertools.pairwise(hunks):
        if after.start < before.start + len(before.old):
            raise PatchError(after.line, "begins before the last hunk's end", "write it again")
    kind: Kind = "create" if old is None else "delete" if new is None else "change"
    whole = {"create": hunks[0].old, "delete": hunks[0].new, "change": ()}[kind]
    if whole or (kind != "change" and len(hunks) > 1):
        raise PatchError(
            start, f"doesn't {kind} {old or new!r} as a whole", "name the file instead of /dev/null"
        )
    return Change(str(old or new), kind, executable, start, tuple(hunks))


def _hunk(lines: _Lines, number: int) -> Hunk:
    start = lines.number
    match = _HUNK.fullmatch(lines.next())
    if match is None:
        raise PatchError(start, "is no hunk such as @@ -1,2 +1,3 @@", "write it again")
    at, many, _, made = (None if part is None else int(part) for part in match.groups())
    left = {"old": 1 if many is None else many, "new": 1 if made is None else made}
    old: list[bytes] = []
    new: list[bytes] = []
    while left["old"] or left["new"]:
        line = lines.next()
        sides = {b" ": (old, new), b"-": (old,), b"+": (new,)}.get(line[:1])
        if sides is None:
            raise PatchError(
                lines.number - 1,
                f"hunk {number} isn't as long as its first line says",
                "write it again, without editing it by hand",
            )
        text = line[1:]
        if lines.peek().startswith(b"\\ "):
            text = text.removesuffix(b"\n")
            lines.next()
        for side in sides:
            side.append(text)
            left["old" if side is old else "new"] -= 1
        if min(left.values()) < 0:
            raise PatchError(
                start, f"hunk {number} is longer than its first line says", "write it again"
            )
    if old == new:
        raise PatchError(start, f"hunk {number} changes nothing", "remove it")
    return Hunk(number, start, int(at or 0), tuple(old), tuple(new))


def undo(change: Change) -> Change:
    """What undoes the change of a file, where it has been made."""
    grown = 0
    hunks = []
    for hunk in change.hunks:
        start = hunk.start + grown + bool(not hunk.old) - bool(not hunk.new)
        hunks.append(dataclasses.replace(hunk, start=start, old=hunk.new, new=hunk.old))
        grown += len(hunk.new) - len(hunk.old)
    kind: dict[Kind, Kind] = {"change": "change", "create": "delete", "delete": "create"}
    return dataclasses.replace(change, kind=kind[change.kind], hunks=tuple(hunks))


def apply(change: Change, content: bytes | None) -> bytes | None:
    """The file's new content; None where the patch deletes it.

    Args:
        change: what a patch does to the file.
        content: the file's; None where there is none.

    Raises:
        PatchError: a hunk doesn't fit.
    """
    if change.kind == "create":
        if content is not None:
            raise PatchError(
                change.line, f"creates {change.path}, which is there already", _AGAINST
            )
        return b"".join(change.hunks[0].new)
    if content is None:
        raise PatchError(
            change.line,
            f"there is no {change.path} in the source",
            "its paths are read without their first folder, a/PATH and b/PATH (patch -p1)",
        )
    lines = _split(content)
    done: list[bytes] = []
    at = moved = 0
    for hunk in change.hunks:
        place = _place(change, hunk, lines, at, moved)
        done += [*lines[at:place], *hunk.new]
        moved = place - _index(hunk)
        at = place + len(hunk.old)
    done += lines[at:]
    if change.kind == "delete":
        if done:
            raise PatchError(change.line, f"deletes a part of {change.path} only", _AGAINST)
        return None
    return b"".join(done)


def _index(hunk: Hunk) -> int:
    """0-based line of the old file where a hunk says to begin."""
    # Without old lines it names the line before.
    return hunk.start - 1 if hunk.old else hunk.start


def _fits(old: Sequence[bytes], lines: Sequence[bytes], place: int) -> bool:
    return place >= 0 and tuple(lines[place : place + len(old)]) == tuple(old)


def _place(change: Change, hunk: Hunk, lines: list[bytes], at: int, moved: int) -> int:
    """0-based line where a hunk fits, at or behind `at`; `moved` is how far the last one was."""
    if not hunk.old:
        place = _index(hunk) + moved
        if at <= place <= len(lines):
            return place
        raise _misfit(change, hunk, "the file has no such line")
    # The file may have grown above: the hunks that follow have moved by as much.
    expected = _index(hunk) + moved
    if expected >= at and _fits(hunk.old, lines, expected):
        return expected
    last = len(lines) - len(hunk.old)
    found = [place for place in range(at, last + 1) if _fits(hunk.old, lines, place)]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(str(place + 1) for place in found[:3])
        raise _misfit(change, hunk, f"it fits at more than one line: {shown}")
    raise _misfit(change, hunk, _difference(hunk, lines, max(at, expected)))


def _difference(hunk: Hunk, lines: list[bytes], place: int) -> str:
    """Where a hunk's old lines part from the file's."""
    for offset, wanted in enumerate(hunk.old):
        number = place + offset
        have = lines[number] if number < len(lines) else None
        if have != wanted:
            shown = "isn't there" if have is None else f"is {have!r}"
            return f"line {number + 1} {shown}, not {wanted!r}"
    return "its lines stand before those of the last hunk"


def _misfit(change: Change, hunk: Hunk, why: str) -> PatchError:
    return PatchError(
        hunk.line, f"hunk {hunk.number} of {change.path} doesn't fit: {why}", _AGAINST
    )
