"""Checks that the user of an image can read what was added for it.

access.py --user USER --ok FILE --layer TAR... [--own TAR]... [--path PATH]...

All layers are named, lowest first; `own` ones and paths are those that are checked.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs.rootfs_error import RootfsError

_PASSWD, _GROUP = "etc/passwd", "etc/group"
_READ, _SEARCH = 4, 1
# runc's, and Docker's.
_LAST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Mode:
    """Permission bits and owner of a path."""

    bits: int
    uid: int
    gid: int
    is_dir: bool


@dataclass(frozen=True, slots=True)
class User:
    """Who runs the container: a number, and the groups."""

    uid: int
    groups: frozenset[int]

    def may(self, mode: Mode, wanted: int) -> bool:
        """Whether the user has the permission: 4 to read, 1 to search a folder."""
        if self.uid == 0:
            return True
        if self.uid == mode.uid:
            return bool(mode.bits >> 6 & wanted)
        if mode.gid in self.groups:
            return bool(mode.bits >> 3 & wanted)
        return bool(mode.bits & wanted)


def _number(text: str, digits: str) -> int:
    """A number of the setting `text`; RootfsError if container engines refuse it."""
    number = int(digits)
    if number > _LAST_ID:
        raise RootfsError(
            f'user = "{text}"',
            f"container engines take no number above {_LAST_ID}",
            "Take a lower one, such as 10001.",
        )
    return number


class Image:
    """What the layers have: the mode of each path, and the files that name users."""

    def __init__(self, layers: Iterable[Path]) -> None:
        """Read the tars of the layers, lowest first."""
        self.modes: dict[str, Mode] = {}
        self._texts = {_PASSWD: "", _GROUP: ""}
        for layer in layers:
            with tarfile.open(layer) as archive:
                for member in archive:
                    path = name_of(member)
                    if not member.issym() and not member.islnk():
                        self.modes[path] = Mode(
                            member.mode & 0o7777, member.uid, member.gid, member.isdir()
                        )
                    file = archive.extractfile(member) if path in self._texts else None
                    if file is not None:
                        self._texts[path] = file.read().decode("utf-8", "replace")

    def _rows(self, path: str) -> list[list[str]]:
        return [line.split(":") for line in self._texts[path].splitlines() if line.count(":") > 2]

    def user(self, text: str) -> User:
        """The user that an image's setting means; RootfsError if there is none."""
        name, _, group = text.partition(":")
        row = next((row for row in self._rows(_PASSWD) if name in (row[0], row[2])), None)
        if row is None and not name.isdecimal():
            raise RootfsError(
                f'user = "{text}"',
                f"the image has no user {name!r}",
                f'Add it: users = {{"{name}": "10001"}}',
            )
        uid = _number(text, row[2] if row else name)
        if group:
            return User(uid, frozenset([self._group(text, group)]))
        named = row[0] if row else ""
        groups = {int(row[3])} if row else {0}
        groups |= {int(one[2]) for one in self._rows(_GROUP) if named in one[3].split(",")}
        return User(uid, frozenset(groups))

    def _group(self, text: str, group: str) -> int:
        found = next((row[2] for row in self._rows(_GROUP) if group in (row[0], row[2])), group)
        if not found.isdecimal():
            raise RootfsError(
                f'user = "{text}"', f"the image has no group {group!r}", "Write its number."
            )
        return _number(text, found)

    def fault(self, user: User, path: str) -> str | None:
        """Why the user can't read a path, or None."""
        parts = path.split("/")
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            mode = self.modes.get(folder)
            if mode is not None and not user.may(mode, _SEARCH):
                return f"the folder /{folder} has the mode {mode.bits:04o} of {mode.uid}"
        mode = self.modes.get(path)
        if mode is not None and not user.may(mode, _SEARCH if mode.is_dir else _READ):
            return f"it has the mode {mode.bits:04o} of {mode.uid}:{mode.gid}"
        return None


def name_of(member: tarfile.TarInfo) -> str:
    """A member's path without what stands around it."""
    return member.name.removeprefix("./").strip("/")


def check(layers: list[Path], own: list[Path], paths: list[str], text: str) -> None:
    """Raise RootfsError if the user isn't there, or can't read something of its own."""
    image = Image(layers)
    user = image.user(text)
    wanted = [path.strip("/") for path in paths]
    for layer in own:
        with tarfile.open(layer) as archive:
            wanted += [name_of(member) for member in archive if "/.wh." not in f"/{member.name}"]
    faults = [(path, why) for path in wanted if (why := image.fault(user, path))]
    if faults:
        path, why = faults[0]
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise RootfsError(
            f'user = "{text}"',
            f"can't read /{path}: {why}{more}",
            "Give the files of the layer mode 644 and its folders 755, or another path.",
        )


def main(arguments: list[str] | None = None) -> int:
    """Write the file that says all is well, or print what isn't; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--user", required=True)
    parser.add_argument("--ok", type=Path, required=True, help="file to write")
    parser.add_argument("--layer", type=Path, action="append", default=[], help="lowest first")
    parser.add_argument("--own", type=Path, action="append", default=[], help="to check")
    parser.add_argument("--path", action="append", default=[], help="to check")
    asked = parser.parse_args(arguments)
    try:
        check(asked.layer, asked.own, asked.path, asked.user)
    except (RootfsError, OSError, tarfile.TarError) as error:
        print(f"python_image: {error}", file=sys.stderr)
        return 2
    asked.ok.write_text("")
    return 0


if __name__ == "__main__":
    sys.exit(main())
