"""Write the lock of a base image that tests make: documents like Microsoft's, no bytes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.packages.windows import lockfile
from tools.windows.windows_fixtures import Base


def main(argv: list[str] | None = None) -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="RELEASE.lock")
    args = parser.parse_args(argv)
    lock = Base().lock(args.output.name.removesuffix(".lock"))
    lockfile.write(args.output, lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
