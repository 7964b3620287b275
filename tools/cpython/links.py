"""Makes the layer of docker-library's links: idle, pip, pydoc, python and python-config.

And of one file for the distribution's programs that embed Python, such as gdb and vim-nox. If its
Python is of the same minor version, they load our libpython, which comes first in the loader's
cache, and it takes /usr/lib/python3.X for the standard library. But there Debian's lacks modules
that Debian has in libpython itself: socket, for one. Our libpython then reads
/usr/lib/python3.X/site-packages, as the Python with that prefix, and Debian's never does.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tarfile
from pathlib import Path, PurePosixPath

from tools.cpython.layer import normalized

BIN = "usr/local/bin"
LINKED = ("idle3", "pip3", "pydoc3", "python3", "python3-config")
# For glibc, so below Debian's programs or Ubuntu's; Alpine's Python does read that folder. Not
# free-threaded: such a library has another name than any of Debian's.
_DEBIAN = re.compile(
    r"usr/local/lib/python[0-9.]+/config-(3\.[0-9]+)-[^/]*-linux-gnu[^/]*/Makefile"
)
# From 3.11 on libpython has its own site module; before it runs Debian's, with other folders.
_OWN_SITE = 11
# One line that site runs: the standard library that fits, then what Debian's packages bring.
_PATHS = """\
import sys; sys.path[:] = [\
"/usr/local" + path[4:] if path.startswith("/usr/lib/python{minor}") else path for path in sys.path\
] + ["/usr/local/lib/python{minor}/dist-packages", "/usr/lib/python3/dist-packages"]
"""


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


def embedded(installed: set[str]) -> dict[str, str]:
    """What has the distribution's programs use our standard library with our libpython.

    Args:
        installed: paths relative to /.

    Returns:
        path -> text; nothing if no such program can load the library.
    """
    minors = {found[1] for path in installed if (found := _DEBIAN.fullmatch(path))}
    return {
        f"usr/lib/python{minor}/site-packages/usr-local.pth": _PATHS.format(minor=minor)
        for minor in sorted(minors)
        if int(minor.partition(".")[2]) >= _OWN_SITE
    }


def write(made: dict[str, str], texts: dict[str, str], out: Path, epoch: int) -> None:
    """Write links and files, and the directories they are in, as a deterministic tar.

    Args:
        made: path -> target of each link.
        texts: path -> content of each file.
        out: the tar to write.
        epoch: modification time of every member, seconds since 1970.
    """
    parents = {parent for path in (*made, *texts) for parent in PurePosixPath(path).parents}
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for directory in sorted(map(str, parents - {PurePosixPath(".")})):
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
        for path, text in sorted(texts.items()):
            info = tarfile.TarInfo(path)
            info.mode = 0o644
            info.size = len(text.encode())
            archive.addfile(normalized(info, epoch), io.BytesIO(text.encode()))


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpython", type=Path, required=True, help="tar of the installation")
    parser.add_argument("--epoch", type=int, required=True, help="time of the links")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    try:
        with tarfile.open(options.cpython) as archive:
            installed = set(archive.getnames())
        made = links(installed)
    except LinksError as error:
        print(f"error: {options.cpython}: {error}", file=sys.stderr)
        return 1
    write(made, embedded(installed), options.out, options.epoch)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
