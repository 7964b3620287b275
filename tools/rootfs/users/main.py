r"""Makes a layer that adds a user of its own group, with a home, to the layers below.

    python3 -m tools.rootfs.users.main --below layer.tar --name nonroot --id 65532 \
        --home /home/nonroot --output user.tar

The user has no password and no shell. Times are those of the files that are changed.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.rootfs.errors import RootfsError
from tools.rootfs.output import write_all
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

_DAY = 24 * 60 * 60
_FILES = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")
# What has to be there; passwords apart from it need not.
_NEEDED = _FILES[:2]
_REMEDY = "Give it another name or number in `users` of catalog/variants.yaml."


@dataclass(frozen=True, slots=True)
class User:
    """A user and its group; `id` is the number of both, `home` an absolute path."""

    name: str
    id: int
    home: str

    def line(self, file: str, day: int) -> str:
        """The user's line in a file of users, groups or passwords; `day` counts from 1970."""
        ids = f"{self.id}:{self.id}"
        return {
            "etc/passwd": f"{self.name}:x:{ids}:{self.name}:{self.home}:/usr/sbin/nologin",
            "etc/group": f"{self.name}:x:{self.id}:",
            "etc/shadow": f"{self.name}:!:{day}::::::",
            "etc/gshadow": f"{self.name}:!::",
        }[file]


def read_files(tars: Sequence[Path]) -> dict[str, Entry]:
    """The files of users in layers, lowest first: of each the uppermost.

    Raises:
        RootfsError: a layer can't be read, or there are no users.
    """
    found: dict[str, Entry] = {}
    for path in tars:
        try:
            with tarfile.open(path, "r:") as tar:
                for info in tar:
                    stream = tar.extractfile(info) if info.name in _FILES else None
                    if stream is not None:
                        found[info.name] = Entry(
                            "file",
                            info.mode,
                            info.uid,
                            info.gid,
                            int(info.mtime),
                            "",
                            stream.read(),
                        )
        except (OSError, tarfile.TarError) as error:
            raise RootfsError(str(path), f"can't be read: {error}", "Build it again.") from None
    for name in _NEEDED:
        if name not in found:
            raise RootfsError(
                f"/{name}", "is in no layer below", "Add the package base-passwd to the lowest one."
            )
    return found


def layer(user: User, files: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries of the layer.

    Args:
        user: whom to add.
        files: by path, the files of users below.

    Raises:
        RootfsError: the name or the number is taken.
    """
    made: dict[str, Entry] = {}
    for path, entry in files.items():
        text = bytes(entry.content).decode("utf-8")
        for line in text.splitlines():
            name, *fields = line.split(":")
            if name == user.name:
                raise RootfsError(f"user {user.name}", f"is in /{path} already", _REMEDY)
            if path in _NEEDED and fields[1] == str(user.id):
                raise RootfsError(
                    f"user {user.name}", f"has the number {user.id} of {name} in /{path}", _REMEDY
                )
        line = user.line(path, entry.mtime // _DAY)
        if "etc/shadow" not in files and path == "etc/passwd":
            line = line.replace(":x:", ":*:", 1)
        made[path] = Entry(
            "file", entry.mode, entry.uid, entry.gid, entry.mtime, "",
            f"{text}{line}\n".encode(),
        )  # fmt: skip
    time = max(entry.mtime for entry in files.values())
    home = PurePosixPath(user.home.lstrip("/"))
    for parent in [one for one in home.parents if one != PurePosixPath(".")]:
        made[str(parent)] = Entry("dir", 0o755, mtime=time)
    # Another user may be asked for when it is run, and begins in the working directory, too.
    made[str(home)] = Entry("dir", 0o755, user.id, user.id, time)
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
    parser.add_argument("--output", type=Path, required=True, help="tar to write")
    options = parser.parse_args(arguments)
    try:
        made = layer(User(options.name, options.id, options.home), read_files(options.below))
        write_all({options.output: lambda out: write_tar(out, made.items())})
    except (RootfsError, OSError) as error:
        print(f"users: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
