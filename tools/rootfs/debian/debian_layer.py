"""Computes one layer of a Debian root file system; program.py says how it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tools.rootfs.debian.build import build
from tools.rootfs.debian.program import compute


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program. Returns the exit status."""
    return compute("Compute a layer of a Debian root file system.", build, arguments)


if __name__ == "__main__":
    sys.exit(main())
