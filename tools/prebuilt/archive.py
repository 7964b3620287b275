"""The archive of a CPython: what its layers are made of, in one tar of the same bytes each time."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

# What python_images/private/cpython/prebuilt.bzl finds in it: the compiled tree, the same without
# symbols, the facts of its build, and gdb's extension.
TREE = "cpython.tar"
STRIPPED = "stripped.tar"
REPORT = "report.json"
GDB = "gdb.py"
NAMES = (TREE, STRIPPED, REPORT, GDB)


def write(output: Path, files: Mapping[str, Path]) -> None:
    """Write the tar; `files` has one for each of NAMES."""
    with tarfile.open(output, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in NAMES:
            member = tarfile.TarInfo(name)
            member.size = files[name].stat().st_size
            member.mode = 0o644
            with files[name].open("rb") as content:
                tar.addfile(member, content)
