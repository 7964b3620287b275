"""The ELF files of a tar: taken out, changed by a program, and put back."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.formats import elf


def rewrite(
    source: Path, scratch: Path, out: Path, change: Callable[[Sequence[Path]], None]
) -> None:
    """Write the tar `source` with every ELF file in it changed to `out`.

    Everything else (order, owners, times, modes) stays as it is.

    Args:
        source: the tar.
        scratch: an empty directory.
        out: the tar to write; not there where `change` raises an error.
        change: changes the files it is given in place. It isn't called where there are none.
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
            change(list(elves.values()))
        with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as changed:
            for member in members:
                if member.name in elves:
                    data = elves[member.name].read_bytes()
                    member.size = len(data)
                    changed.addfile(member, io.BytesIO(data))
                elif member.isreg():
                    changed.addfile(member, archive.extractfile(member))
                else:
                    changed.addfile(member)
