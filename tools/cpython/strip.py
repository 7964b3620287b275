"""Strips the ELF files of a CPython tar, as docker-library's slim variants have them.

docker-library links them with --strip-all; here one compilation serves all variants, so the
symbols are removed afterwards, which leaves the same sections.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.cpython import layer
from tools.toolchain import elf
from tools.toolchain.unpack import LIBRARIES


def unpack_strip(cc: Path, into: Path, triplet: str) -> Path:
    """Unpacks only what `strip` needs out of a compiler archive; returns its path."""
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
    """Writes the tar `source` with every ELF file in it stripped to `out`.

    Everything else (order, owners, times, modes) stays as it is.

    Args:
        program: `strip` for the target of the files.
        scratch: an empty directory.

    Raises:
        subprocess.CalledProcessError: a file can't be stripped.
    """
    with tarfile.open(source) as archive:
        members = archive.getmembers()
        elves: dict[str, Path] = {}
        for number, member in enumerate(members):
            if not member.isreg():
                continue
            stream = archive.extractfile(member)
            assert stream is not None
            if stream.read(len(elf.MAGIC)) == elf.MAGIC:
                stream.seek(0)
                elves[member.name] = scratch / str(number)
                elves[member.name].write_bytes(stream.read())
        if elves:
            subprocess.run([program, "--strip-all", *elves.values()], check=True, env={})
        with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as stripped:
            for member in members:
                if member.name in elves:
                    data = elves[member.name].read_bytes()
                    member.size = len(data)
                    stripped.addfile(member, io.BytesIO(data))
                elif member.isreg():
                    stripped.addfile(member, archive.extractfile(member))
                else:
                    stripped.addfile(member)


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
