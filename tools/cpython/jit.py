"""CPython's JIT in a compilation: built in, and off unless PYTHON_JIT=1 asks for it.

What takes clang is generated before, by stencils.py.
"""

from __future__ import annotations

import os
from pathlib import Path

from toolchains.trees.unpack import extract

CONFIGURE = "--enable-experimental-jit=yes-off"
# Names of what CPython generates for its JIT, in the build directory.
GENERATED = "jit_*"
# What make takes for the time of all of them, from 3.15 on.
_STAMP = ".jit-stamp"


def place(stencils: Path, source: Path) -> None:
    """Puts generated files into a configured source directory, where make finds nothing to do.

    Args:
        stencils: the archive that stencils.py writes.
        source: the source directory; pyconfig.h is there.
    """
    extract(stencils, source)
    (source / _STAMP).touch()
    for path in source.glob(GENERATED):
        os.utime(path)
