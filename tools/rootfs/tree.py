"""A root file system in memory: paths, their metadata and contents.

Paths are relative to the root, without a leading slash; the root itself is ``""``. On a merged
system ``bin/sh`` and ``usr/bin/sh`` are one file; a tree keeps it under ``usr``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tools.formats.archives import rules
from tools.formats.archives.archive_error import ArchiveError
from tools.rootfs.rootfs_error import RootfsError

Kind = Literal["dir", "file", "symlink", "hardlink"]
_MAX_LINKS = 40  # as the kernel's limit


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree.

    Attributes:
        kind: what it is.
        mode: permission bits, set-id and sticky bits included.
        uid, gid: numeric owner.
        mtime: seconds since 1970.
        target: text of a symbolic link, or the path a hard link is another name of.
        content: bytes of a file, else empty.
        source: the package or effect that made it, for messages.
    """

    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    target: str = ""
    content: bytes | memoryview = b""
    source: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is pickled: a system has tens of thousands of them, and fields are looked up."""
        return Entry, (
            self.kind, self.mode, self.uid, self.gid, self.mtime, self.target, self.content,
            self.source,
        )  # fmt: skip

    def same_as(self, other: Entry) -> bool:
        """Whether both are the same on disk, wherever they come from."""
        return self.mtime == other.mtime and self.same_but_for_time(other)

    def same_but_for_time(self, other: Entry) -> bool:
        """Whether both are the same on disk but for the mtime."""
        return (
            self.kind == other.kind
            and self.mode == other.mode
            and self.uid == other.uid
            and self.gid == other.gid
            and self.target == other.target
            and (self.content is other.content or self.content == other.content)
        )


def newest(given: int | None, own: Sequence[int], below: int) -> int:
    """The epoch of a layer.

    Args:
        given: what someone asks for, instead of all else.
        own: the times that the packages record which this layer brings.
        below: the epoch of the layer below, which one without packages of its own takes over.
    """
    if given is not None:
        return given
    return max(own, default=below)


class Tree:
    """Paths and entries of one root file system.

    Attributes:
        entries: every path but the root, in no particular order.
        root: the root directory.
        epoch: mtime of whatever is computed, and upper bound of every other mtime, so that no
            file is newer than the layer it belongs to. Each layer begins with its own.
    """

    def __init__(self, epoch: int, aliases: dict[str, str]) -> None:
        """`aliases`: top-level links of the merged /usr, such as ``{"bin": "usr/bin"}``."""
        self.epoch = epoch
        self.entries: dict[str, Entry] = {}
        self.root = Entry("dir", 0o755, mtime=epoch, source="root")
        self._aliases = dict(aliases)

    def __contains__(self, path: str) -> bool:
        """Whether there is something at `path` itself; links are not followed."""
        return self.normalise(path) in self.entries

    def __iter__(self) -> Iterator[str]:
        """All paths but the root, in no particular order."""
        return iter(self.entries)

    def begin(self, epoch: int) -> None:
        """Begins a layer: `epoch` is the time of all that is computed from here on."""
        self.epoch = epoch
        if not self.entries:
            self.root = replace(self.root, mtime=epoch)

    def keep_times(self, before: Mapping[str, Entry]) -> None:
        """End a layer: what was written again as it was keeps its time, and is in no new layer.

        `before` has the entries of the tree, the root's at "", as they were when the layer began.
        """
        for path, old in before.items():
            new = self.root if path == "" else self.entries.get(path)
            if new is None or new is old or not new.same_but_for_time(old):
                continue
            if path == "":
                self.root = old
            else:
                self.entries[path] = old

    def normalise(self, path: str) -> str:
        """`path` as a key of the tree: no leading ``./`` or ``/``, aliases followed."""
        if path.startswith("./"):
            path = path[2:]
        path = path.strip("/")
        top, slash, rest = path.partition("/")
        if slash and top in self._aliases:
            return f"{self._aliases[top]}/{rest}"
        return "" if path == "." else path

    def get(self, path: str) -> Entry | None:
        """The entry at `path` itself (links are not followed), or None."""
        path = self.normalise(path)
        return self.root if path == "" else self.entries.get(path)

    def resolve(self, path: str) -> str | None:
        """The path of the file or directory `path` leads to, links followed; None if broken."""
        parts = path.strip("/").split("/")
        done: list[str] = []
        links = 0
        while parts:
            part = parts.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            here = "/".join([*done, part])
            entry = self.entries.get(here)
            if entry is None:
                return None
            if entry.kind == "symlink":
                links += 1
                if links > _MAX_LINKS:
                    return None
                if entry.target.startswith("/"):
                    done = []
                parts = entry.target.split("/") + parts
                continue
            if entry.kind == "hardlink":
                here = entry.target
            done = here.split("/")
        return "/".join(done)

    def read(self, path: str) -> bytes:
        """Contents of the file `path` leads to."""
        real = self.resolve(path)
        entry = self.entries.get(real) if real is not None else None
        if entry is None or entry.kind != "file":
            raise RootfsError(
                f"/{path.lstrip('/')}",
                "is needed to compute the tree and is not a file in it",
                "Add the package that ships it to the set, or review the rule that reads it.",
            )
        return bytes(entry.content)

    def read_text(self, path: str) -> str:
        """Contents of the file `path` leads to, as UTF-8."""
        return self.read(path).decode("utf-8")

    def add(self, path: str, entry: Entry) -> None:
        """Add what a package ships at `path`.

        Directories may be shared; anything else is an error when the path is taken, as it is for
        dpkg. Of two packages' directories, equal ones are one; different ones are an error.
        """
        key = self.normalise(path)
        if entry.mtime > self.epoch:
            entry = replace(entry, mtime=self.epoch)
        if entry.kind == "dir":
            # A directory's mtime says when something was last added to it, which no package
            # knows: it's that of the layer that brings it, and those above leave it alone.
            entry = replace(entry, mtime=self.epoch)
            if key in self._aliases:
                return  # the parent of files that go to /usr; the link stays
        if key == "":
            self.root = entry
            return
        old = self.entries.get(key)
        if old is not None and not (old.kind == "dir" and entry.same_but_for_time(old)):
            raise RootfsError(
                f"/{key}",
                f"is shipped by both {old.source} ({_describe(old)}) and "
                f"{entry.source} ({_describe(entry)})",
                "Drop one of the packages, or teach tools/rootfs which one wins and why.",
            )
        if old is None:
            self.entries[key] = entry

    def put(
        self,
        path: str,
        content: bytes | str,
        *,
        source: str,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        mtime: int | None = None,
    ) -> None:
        """Write a file, making its directories; replace a file, refuse anything else."""
        data = content.encode("utf-8") if isinstance(content, str) else content
        stamp = self.epoch if mtime is None else min(mtime, self.epoch)
        self._set(path, Entry("file", mode, uid, gid, stamp, "", data, source))

    def copy(self, path: str, to: str, *, source: str, mode: int | None = None) -> None:
        """Copy a file with its metadata, as ``cp -p``."""
        content = self.read(path)
        entry = self.entries[self.resolve(path) or ""]
        self._set(to, replace(entry, content=content, mode=mode or entry.mode, source=source))

    def symlink(self, path: str, target: str, *, source: str) -> None:
        """Make or replace a symbolic link."""
        self._set(path, Entry("symlink", 0o777, mtime=self.epoch, target=target, source=source))

    def mkdir(
        self, path: str, *, source: str, mode: int = 0o755, uid: int = 0, gid: int = 0
    ) -> None:
        """Make a directory unless there is one, with its parents."""
        key = self.normalise(path)
        old = self.entries.get(key)
        if old is None:
            self._set(key, Entry("dir", mode, uid, gid, self.epoch, source=source))
        elif old.kind != "dir":
            raise RootfsError(
                f"/{key}",
                f"{source} needs a directory where {old.source} has a {old.kind}",
                "Review the effect or the package.",
            )

    def change(self, path: str, *, mode: int, uid: int, gid: int) -> None:
        """Changes the mode and owner of an existing path."""
        key = self.normalise(path)
        self.entries[key] = replace(self.entries[key], mode=mode, uid=uid, gid=gid)

    def remove(self, path: str) -> None:
        """Remove a path and what is below it."""
        key = self.normalise(path)
        for below in [p for p in self.entries if p == key or p.startswith(f"{key}/")]:
            del self.entries[below]

    def children(self, path: str) -> list[str]:
        """Names directly below the directory `path`, sorted. Scans the tree once."""
        prefix = self.normalise(path) + "/"
        length = len(prefix)
        return sorted(
            p[length:] for p in self.entries if p.startswith(prefix) and "/" not in p[length:]
        )

    def finish(self) -> None:
        """Make directories no package shipped, and check that links and parents make sense."""
        for path in sorted(self.entries):
            self._make_parents(path)
        for path, entry in self.entries.items():
            if entry.kind == "hardlink":
                target = self.entries.get(entry.target)
                if target is None or target.kind != "file":
                    raise RootfsError(
                        f"/{path}",
                        f"{entry.source} ships it as a hard link to /{entry.target}, "
                        "which is not a file of the tree",
                        "Review the package, or the path filter that dropped the target.",
                    )

    def _set(self, path: str, entry: Entry) -> None:
        key = self.normalise(path)
        try:
            rules.path(key)
        except ArchiveError as error:
            raise RootfsError(
                f"/{key!r}", f"{entry.source} would make it: {error}", "Review the package."
            ) from None
        old = self.entries.get(key)
        if old is not None and (old.kind == "dir") != (entry.kind == "dir"):
            raise RootfsError(
                f"/{key}",
                f"{entry.source} would replace a {old.kind} of {old.source} with a {entry.kind}",
                "Review the effect or the package.",
            )
        self._make_parents(key)
        self.entries[key] = entry

    def _make_parents(self, key: str) -> None:
        missing: list[str] = []
        parent = posixpath.dirname(key)
        while parent and parent not in self.entries:
            missing.append(parent)
            parent = posixpath.dirname(parent)
        if parent and self.entries[parent].kind != "dir":
            raise RootfsError(
                f"/{key}",
                f"lies below /{parent}, which is a {self.entries[parent].kind} "
                f"of {self.entries[parent].source}",
                "Drop one of the packages, or add the link to the merged directories.",
            )
        for path in missing:
            self.entries[path] = Entry("dir", 0o755, mtime=self.epoch, source="parent directory")


def _describe(entry: Entry) -> str:
    if entry.kind == "symlink":
        return f"symlink to {entry.target}"
    return f"{entry.kind}, mode {entry.mode:04o}, owner {entry.uid}:{entry.gid}"
