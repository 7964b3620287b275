"""Strips the ELF files of a CPython tar, as docker-library's slim variants have them.

docker-library links them with --strip-all; here one compilation serves all variants, so the
symbols are removed afterwards, which leaves the same sections.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from toolchains.trees.unpack import LIBRARIES
from tools.cpython import elves, layer


def unpack_strip(cc: Path, into: Path, triplet: str) -> Path:
    """Unpack only what `strip` needs out of a compiler archive; return its path."""
    program = f"usr/bin/{triplet}-strip"
    with tarfile.open(cc) as archive:
        wanted = [
            member
            for member in archive
            if member.name.startswith((program, LIBRARIES, "usr/lib64/")) or member.issym()
        ]
        archive.extractall(into, wanted, filter="tar")
    return into / program


def strip(source: Path, program: Path, scratch: Path, out: Path) -> None:
    """Write the tar `source` with every ELF file in it stripped to `out`.

    Args:
        source: the tar.
        program: `strip` for the target of the files.
        scratch: an empty directory.
        out: the tar to write.

    Raises:
        subprocess.CalledProcessError: a file can't be stripped.
    """

    def change(files: Sequence[Path]) -> None:
        subprocess.run([program, "--strip-all", *files], check=True, env={})

    elves.rewrite(source, scratch, out, change)


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpython", type=Path, required=True, help="tar of an unstripped CPython")
    parser.add_argument("--cc", type=Path, required=True, help="tar of the compiler")
    parser.add_argument("--triplet", required=True, help="GNU triplet of the target")
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    try:
        with layer.scratch(options.work) as work:
            (work / "elf").mkdir()
            program = unpack_strip(options.cc, work / "cc", options.triplet)
            strip(options.cpython, program, work / "elf", options.out)
    except subprocess.CalledProcessError as error:
        print(f"error: {options.cpython}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
