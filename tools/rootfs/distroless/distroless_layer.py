"""Computes one layer of a distroless root file system; it is called as Debian's program is.

See tools/rootfs/debian/program.py.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tools.rootfs.debian.program import compute
from tools.rootfs.distroless.build import build


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program. Returns the exit status."""
    return compute("Compute a layer of a distroless root file system.", build, arguments)


if __name__ == "__main__":
    sys.exit(main())
