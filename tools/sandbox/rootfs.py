"""Unpacks image layers without root and remembers what only the layers know.

An ordinary user can neither give files away nor make device nodes, so the tree on disk belongs to
whoever runs the test. Each path's true header (owner, mode, type, link) is kept in a table, which
answers every question about ownership; the tree is for running programs and reading contents.
"""

import os
import posixpath
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from tools.sandbox import user_namespace, users
from tools.sandbox.users import User

_OPAQUE = ".wh..wh..opq"
_WHITEOUT = ".wh."
_MAX_LINKS = 40
_MOST_TEXT = 1 << 20


class RootfsError(Exception):
    """A layer can't be unpacked: what is wrong and with which member."""


class Rootfs:
    """An image's file system: `root` on disk, `headers` by absolute path (`/`, `/etc/passwd`)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.headers: dict[str, tarfile.TarInfo] = {}
        self._children: dict[str, set[str]] = {"/": set()}
        self._viewer: tuple[User, int] = (User(), 0)
        top = tarfile.TarInfo("/")
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        self.headers["/"] = top
        root.mkdir(parents=True)

    def children(self, path: str) -> list[str]:
        """The names in directory `path`, sorted."""
        return sorted(self._children.get(path, ()))

    def on_disk(self, path: str) -> Path:
        """Where `path` (resolved, absolute) is on disk."""
        return self.root / path.lstrip("/")

    def resolve(self, path: str, *, follow_last: bool) -> str:
        """`path` with its symbolic links followed inside the image, never outside of it."""
        todo = [part for part in path.split("/") if part and part != "."]
        current, links = "/", 0
        while todo:
            part = todo.pop(0)
            if part == "..":
                current = posixpath.dirname(current)
                continue
            step = posixpath.join(current, part)
            header = self.headers.get(step)
            if header is not None and header.issym() and (todo or follow_last):
                links += 1
                if links > _MAX_LINKS:
                    raise RootfsError(f"{path}: too many levels of symbolic links")
                todo = [p for p in header.linkname.split("/") if p and p != "."] + todo
                if header.linkname.startswith("/"):
                    current = "/"
                continue
            current = step
        return current

    def apply(self, layer: BinaryIO, name: str) -> None:
        """Put one layer's tar stream on top of what is there; `name` is for error messages."""
        fresh: set[str] = set()
        try:
            with tarfile.open(fileobj=layer, mode="r|") as archive:
                for member in archive:
                    self._apply_member(archive, member, fresh)
        # A NUL in a name, a time or an owner beyond all numbers, folders deeper than the stack.
        except (
            tarfile.TarError,
            EOFError,
            OSError,
            OverflowError,
            RecursionError,
            RootfsError,
            ValueError,
        ) as error:
            raise RootfsError(f"layer {name}: {error}") from error

    def finish(self) -> None:
        """Set directory modes: last, since a read-only directory could not be filled."""
        for path, header in self.headers.items():
            if header.isdir():
                self.on_disk(path).chmod(header.mode & 0o7777)

    def show_to(self, user: User, ids: int) -> None:
        """Give the tree on disk the owners and modes that `user` of a container has to find.

        This takes the root of a user namespace of `ids` further ids (`user_namespace.become`). With
        them each file has its owner, as far as there is such an id. Without, all files are the
        user's own: the owner's part of a mode is what the image allows that user, so that the same
        is refused.
        """
        viewer = (user, ids)
        if viewer == self._viewer:
            return
        self._viewer = viewer
        for path, header in self.headers.items():
            disk = self.on_disk(path)
            if header.isdev() and not os.path.lexists(disk):
                continue
            if ids:
                os.lchown(
                    disk, _outside(header.uid, user.uid, ids), _outside(header.gid, user.gid, ids)
                )
            if not header.issym():
                disk.chmod(header.mode & 0o7777 if ids else _mode_for(user, header))

    def text(self, path: str) -> str:
        """The content of a small text file, links followed; empty if there is none."""
        try:
            found = self.resolve(path, follow_last=True)
        except RootfsError:
            return ""
        header = self.headers.get(found)
        if header is None or not header.isreg():
            return ""
        with self.on_disk(found).open("rb") as file:
            return file.read(_MOST_TEXT).decode(errors="replace")

    def user(self, name: str) -> User:
        """The image's user of that name or number. UserError if it has none."""
        return users.find(name, self.text("/etc/passwd"), self.text("/etc/group"))

    def _apply_member(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, fresh: set[str]
    ) -> None:
        parent = self.resolve(posixpath.dirname("/" + member.name.strip("/")), follow_last=True)
        base = posixpath.basename(posixpath.normpath("/" + member.name))
        if base == _OPAQUE:
            for child in self.children(parent):
                self._remove(posixpath.join(parent, child), keep=fresh)
            return
        if base.startswith(_WHITEOUT):
            self._remove(posixpath.join(parent, base[len(_WHITEOUT) :]), keep=fresh)
            return
        path = posixpath.join(parent, base) if base else "/"
        self._make_parents(parent, fresh)
        old = self.headers.get(path)
        if old is not None and not (old.isdir() and member.isdir()):
            self._remove(path, keep=set())
        if member.islnk():
            member = self._link(path, member)
        else:
            self._create(archive, member, path)
        self._record(path, member)
        fresh.add(path)

    def _link(self, path: str, member: tarfile.TarInfo) -> tarfile.TarInfo:
        target = self.resolve("/" + member.linkname, follow_last=False)
        header = self.headers.get(target)
        if header is None:
            raise RootfsError(f"{member.name}: hard link to {member.linkname}, which is not there")
        os.link(self.on_disk(target), self.on_disk(path), follow_symlinks=False)
        return header

    def _create(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        disk = self.on_disk(path)
        if member.isdir():
            disk.mkdir(exist_ok=True)
            disk.chmod(member.mode | 0o700)
        elif member.isreg():
            content = archive.extractfile(member)
            assert content is not None
            with disk.open("xb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            disk.chmod(member.mode & 0o7777)
            os.utime(disk, (member.mtime, member.mtime))
        elif member.issym():
            disk.symlink_to(member.linkname)
        elif member.isfifo():
            os.mkfifo(disk, member.mode)
        elif not member.isdev():  # device nodes: the header is enough
            raise RootfsError(f"{member.name}: unsupported member type {member.type!r}")

    def _make_parents(self, path: str, fresh: set[str]) -> None:
        """Directories a layer leaves out are root's, mode 0755, as runtimes make them."""
        if path in self.headers:
            if not self.headers[path].isdir():
                raise RootfsError(f"{path}: not a directory, but a member lies below it")
            return
        self._make_parents(posixpath.dirname(path), fresh)
        header = tarfile.TarInfo(path)
        header.type, header.mode = tarfile.DIRTYPE, 0o755
        self.on_disk(path).mkdir()
        self._record(path, header)
        fresh.add(path)

    def _record(self, path: str, header: tarfile.TarInfo) -> None:
        self.headers[path] = header
        if path != "/":
            self._children[posixpath.dirname(path)].add(posixpath.basename(path))
        if header.isdir():
            self._children.setdefault(path, set())

    def _remove(self, path: str, keep: set[str]) -> None:
        """Remove a path and what is below it, except paths this very layer has added."""
        header = self.headers.get(path)
        if header is None:
            return
        for child in self.children(path):
            self._remove(posixpath.join(path, child), keep)
        if path in keep or self._children.get(path):
            return
        disk = self.on_disk(path)
        if header.isdir():
            disk.rmdir()
        else:
            disk.unlink(missing_ok=True)
        del self.headers[path]
        self._children.pop(path, None)
        self._children[posixpath.dirname(path)].discard(posixpath.basename(path))


def _outside(identity: int, own: int, ids: int) -> int:
    """The id on disk of a file's owner; root's if the container has no id for that owner."""
    found = user_namespace.outside(identity, own, ids)
    if found is None:
        found = user_namespace.outside(0, own, ids)
    assert found is not None
    return found


def _mode_for(user: User, header: tarfile.TarInfo) -> int:
    """A file's mode if `user` owned it, allowing what the image allows."""
    mode = header.mode & 0o7777
    if user.uid in (0, header.uid):
        return mode
    group = header.gid == user.gid or header.gid in user.groups
    allowed = (mode >> 3 if group else mode) & 0o7
    return (mode & ~0o700) | allowed << 6


def unpack(root: Path, layers: Iterable[tuple[str, BinaryIO]]) -> Rootfs:
    """Unpack (name, tar stream) layers, lowest first, into the new directory `root`."""
    rootfs = Rootfs(root)
    for name, stream in layers:
        rootfs.apply(stream, name)
    rootfs.finish()
    return rootfs
