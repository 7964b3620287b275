"""Makes the layer of an unstripped CPython: the installation, and its extension for gdb.

gdb loads /usr/share/gdb/auto-load/PROGRAM-gdb.py when it debugs PROGRAM.

The debugging information is written more shortly, by dwz, as that of all of Debian's packages:
what it says stays. The interpreter has libpython linked in, so that it's there twice.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath

from tools.cpython import elves
from tools.cpython.layer import normalized, scratch
from tools.rootfs.debian.programs import Programs
from tools.rootfs.rootfs_error import RootfsError

AUTO_LOAD = "usr/share/gdb/auto-load"
# Of an ELF file: its byte order, and its type.
_ORDER, _BIG = 5, 2
_TYPE, _OBJECT = slice(16, 18), 1
# What python3 links to. (A free-threaded build has it a second time, as python3.Xt.)
_PROGRAM = re.compile(r"usr/local/bin/python3\.\d+")


class GdbError(Exception):
    """The installation has no interpreter, or several."""


def script_path(files: Iterable[str]) -> str:
    """Where gdb looks for the extension of the interpreter among `files`; paths relative to /.

    Raises:
        GdbError: there isn't exactly one interpreter.
    """
    programs = [path for path in files if _PROGRAM.fullmatch(path)]
    if len(programs) != 1:
        raise GdbError(f"has {len(programs)} files usr/local/bin/python3.X, not one")
    return f"{AUTO_LOAD}/{programs[0]}-gdb.py"


def append(archive: tarfile.TarFile, path: str, script: bytes, epoch: int) -> None:
    """Add the extension at `path`, with the directories it is in."""
    known = {member.name for member in archive.getmembers()}
    for directory in reversed(PurePosixPath(path).parents[:-1]):
        if str(directory) not in known:
            info = tarfile.TarInfo(str(directory))
            info.type = tarfile.DIRTYPE
            info.mode = 0o755
            archive.addfile(normalized(info, epoch))
    info = tarfile.TarInfo(path)
    info.mode = 0o644
    info.size = len(script)
    archive.addfile(normalized(info, epoch), BytesIO(script))


def compact(source: Path, programs: Programs, work: Path, out: Path) -> None:
    """Write the tar `source` to `out`, with less debugging information that says the same.

    Each file keeps all of its own information: what several files share only gdb reads.

    Args:
        source: the tar.
        programs: dwz is among them.
        work: an empty directory.
        out: the tar to write.

    Raises:
        RootfsError: a file's debugging information can't be read.
    """

    def change(files: Sequence[Path]) -> None:
        for file in filter(_is_linked, files):
            programs.run("usr/bin/dwz", "--quiet", str(file))

    elves.rewrite(source, work, out, change)


def _is_linked(path: Path) -> bool:
    """Whether an ELF file is a program or library. dwz reads no objects, such as python.o."""
    with path.open("rb") as file:
        header = file.read(_TYPE.stop)
    return int.from_bytes(header[_TYPE], "big" if header[_ORDER] == _BIG else "little") != _OBJECT


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpython", type=Path, required=True, help="tar of the installation")
    parser.add_argument("--gdb", type=Path, required=True, help="CPython's extension for gdb")
    parser.add_argument("--epoch", type=int, required=True, help="time of what is added")
    parser.add_argument("--tool", type=Path, action="append", required=True, help="package of dwz")
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    try:
        with tarfile.open(options.cpython) as archive:
            path = script_path(member.name for member in archive if member.isreg())
        with scratch(options.work) as work:
            compact(options.cpython, Programs(options.tool), work, options.out)
    except (GdbError, RootfsError) as error:
        print(f"error: {options.cpython}: {error}", file=sys.stderr)
        return 1
    with tarfile.open(options.out, "a", format=tarfile.PAX_FORMAT) as archive:
        append(archive, path, options.gdb.read_bytes(), options.epoch)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
