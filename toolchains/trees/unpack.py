"""Unpacking the archives that toolchains/trees makes.

Apart from the rest, so that what compiles with a toolchain doesn't depend on how it was made.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

# Where a tree has the libraries of its own programs.
LIBRARIES = "usr/lib/x86_64-linux-gnu"


def extract(archive: Path, into: Path) -> None:
    """Unpack an archive of a tree into the directory `into`, which is created."""
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="tar")
