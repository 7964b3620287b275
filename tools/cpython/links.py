"""Makes the layer of docker-library's links: idle, pip, pydoc, python and python-config."""

from __future__ import annotations

import argparse
import sys
import tarfile
from pathlib import Path

from tools.cpython.layer import normalized

BIN = "usr/local/bin"
LINKED = ("idle3", "pip3", "pydoc3", "python3", "python3-config")


class LinksError(Exception):
    """The installation doesn't have what is linked to, or has a file where a link goes."""


def links(installed: set[str]) -> dict[str, str]:
    """The links an installation gets.

    Args:
        installed: paths relative to /.

    Returns:
        path -> target, sorted by path.

    Raises:
        LinksError: a program is missing, or the link's path is taken.
    """
    made = {f"{BIN}/{name.replace('3', '')}": name for name in LINKED}
    for path, target in made.items():
        if f"{BIN}/{target}" not in installed:
            raise LinksError(f"/{BIN}/{target} is missing, so /{path} can't link to it")
        if path in installed:
            raise LinksError(f"/{path} exists, so it can't be a link to {target}")
    return dict(sorted(made.items()))


def write(made: dict[str, str], out: Path, epoch: int) -> None:
    """Writes the links, and the directories they are in, as a deterministic tar."""
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for directory in ("usr", "usr/local", BIN):
            info = tarfile.TarInfo(directory)
            info.type = tarfile.DIRTYPE
            info.mode = 0o755
            archive.addfile(normalized(info, epoch))
        for path, target in made.items():
            info = tarfile.TarInfo(path)
            info.type = tarfile.SYMTYPE
            info.mode = 0o777
            info.linkname = target
            archive.addfile(normalized(info, epoch))


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpython", type=Path, required=True, help="tar of the installation")
    parser.add_argument("--epoch", type=int, required=True, help="time of the links")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    try:
        with tarfile.open(options.cpython) as archive:
            made = links(set(archive.getnames()))
    except LinksError as error:
        print(f"error: {options.cpython}: {error}", file=sys.stderr)
        return 1
    write(made, options.out, options.epoch)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
