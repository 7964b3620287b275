r"""Makes a layer that adds a user of its own group, with a home, to the layers below.

    python3 -m tools.rootfs.users.user_layer --below layer.tar --name nonroot --id 65532 \
        --home /home/nonroot --place catalog/variants.yaml:27 --output user.tar

The user has no password and no shell, and finds no program that would give it another one's rights:
files below lose their set-user-ID and set-group-ID bits. Times are those of the files changed.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tools.rootfs.output import write_all
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

_DAY = 24 * 60 * 60
_FILES = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")
_SET_ID = 0o6000
# What has to be there; passwords apart from it need not.
_NEEDED = _FILES[:2]


@dataclass(frozen=True, slots=True)
class User:
    """A user and its group.

    Attributes:
        name: of both.
        id: the number of both.
        home: an absolute path.
        place: the file and the line that ask for the user.
    """

    name: str
    id: int
    home: str
    place: str

    def error(self, problem: str, other: str) -> RootfsError:
        """An error in what is asked for; `other` is what would help: another name, say."""
        remedy = f"Give it {other} there."
        return RootfsError(self.place, f"user {self.name} {problem}", remedy)

    def line(self, file: str, day: int) -> str:
        """The user's line in a file of users, groups or passwords; `day` counts from 1970."""
        ids = f"{self.id}:{self.id}"
        return {
            "etc/passwd": f"{self.name}:x:{ids}:{self.name}:{self.home}:/usr/sbin/nologin",
            "etc/group": f"{self.name}:x:{self.id}:",
            "etc/shadow": f"{self.name}:!:{day}::::::",
            "etc/gshadow": f"{self.name}:!::",
        }[file]


def _home_folders(home: str) -> list[str]:
    """The paths of a home and of the folders that it lies in, relative to /."""
    path = PurePosixPath(home.lstrip("/"))
    return [str(one) for one in (path, *path.parents) if one != PurePosixPath(".")]


def read_below(tars: Sequence[Path], home: str) -> dict[str, Entry]:
    """The files of users in layers, those with set-ID bits, and what lies where the home will be.

    Args:
        tars: layers, lowest first: of each path the uppermost counts.
        home: the new user's.

    Raises:
        RootfsError: a layer can't be read, or there are no users.
    """
    wanted = {*_FILES, *_home_folders(home)}
    found: dict[str, Entry] = {}
    for path in tars:
        try:
            with tarfile.open(path, "r:") as tar:
                for info in tar:
                    if info.name in wanted or (info.mode & _SET_ID and not info.isdir()):
                        found[info.name] = _entry(tar, info)
                    else:
                        found.pop(info.name, None)
        except (OSError, tarfile.TarError) as error:
            raise RootfsError(str(path), f"can't be read: {error}", "Build it again.") from None
    for name in _NEEDED:
        if name not in found or found[name].kind != "file":
            raise RootfsError(
                f"/{name}", "is in no layer below", "Add the package base-passwd to the lowest one."
            )
    return found


def _entry(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
    """A member of a layer; of what is neither file nor folder, only that it is something else."""
    time = int(info.mtime)
    if info.isdir():
        return Entry("dir", info.mode, info.uid, info.gid, time)
    stream = tar.extractfile(info) if info.isreg() or info.islnk() else None
    if stream is None:
        return Entry("symlink", info.mode, info.uid, info.gid, time, info.linkname)
    return Entry("file", info.mode, info.uid, info.gid, time, "", stream.read())


def _require_new_home(user: User, below: Mapping[str, Entry]) -> None:
    """Raises RootfsError where the home would take a folder from others, or replace a link."""
    home, *parents = _home_folders(user.home)
    if home in below:
        raise user.error(f"has the home /{home}, which is there", "another home")
    for parent in parents:
        entry = below.get(parent)
        if entry is not None and (entry.kind, entry.mode, entry.uid) != ("dir", 0o755, 0):
            raise user.error(
                f"has its home in /{parent}, which is no folder of root's with mode 0755",
                "another home",
            )


def layer(user: User, below: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries of the layer.

    Args:
        user: whom to add.
        below: by path, what read_below found.

    Raises:
        RootfsError: the name, the number or the home is taken.
    """
    _require_new_home(user, below)
    files = {path: below[path] for path in _FILES if path in below}
    made = {
        path: replace(entry, mode=entry.mode & ~_SET_ID)
        for path, entry in below.items()
        if entry.kind == "file" and entry.mode & _SET_ID
    }
    for path, entry in files.items():
        text = bytes(entry.content).decode("utf-8")
        for line in text.splitlines():
            name, *fields = line.split(":")
            if name == user.name:
                raise user.error(f"is in /{path} already", "another name")
            if path in _NEEDED and fields[1] == str(user.id):
                raise user.error(f"has the number {user.id} of {name} in /{path}", "another number")
        line = user.line(path, entry.mtime // _DAY)
        if "etc/shadow" not in files and path == "etc/passwd":
            line = line.replace(":x:", ":*:", 1)
        made[path] = Entry(
            "file", entry.mode, entry.uid, entry.gid, entry.mtime, "",
            f"{text}{line}\n".encode(),
        )  # fmt: skip
    time = max(entry.mtime for entry in files.values())
    home, *parents = _home_folders(user.home)
    for parent in parents:
        made[parent] = Entry("dir", 0o755, mtime=time)
    # Another user may be asked for when it is run, and begins in the working directory, too.
    made[home] = Entry("dir", 0o755, user.id, user.id, time)
    return dict(sorted(made.items()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--below", type=Path, action="append", required=True, help="a layer, lowest first"
    )
    parser.add_argument("--name", required=True)
    parser.add_argument("--id", type=int, required=True)
    parser.add_argument("--home", required=True)
    parser.add_argument("--place", required=True, help="the file and line that ask for the user")
    parser.add_argument("--output", type=Path, required=True, help="tar to write")
    options = parser.parse_args(arguments)
    try:
        user = User(options.name, options.id, options.home, options.place)
        made = layer(user, read_below(options.below, user.home))
        write_all({options.output: lambda out: write_tar(out, made.items())})
    except (RootfsError, OSError) as error:
        print(f"users: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
