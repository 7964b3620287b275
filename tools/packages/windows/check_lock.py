"""Check locks of Windows base images: that each is whole, and what its documents say."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.packages.windows import lockfile
from tools.packages.windows.windows_error import WindowsError


def main(argv: list[str] | None = None) -> int:
    """Read the files given; 1 and a line for each that can't be used."""
    status = 0
    for name in sys.argv[1:] if argv is None else argv:
        try:
            lock = lockfile.read(Path(name))
            print(f"{name}: {lock.image}, Windows {lock.os_version}, {lock.digest}")
        except WindowsError as error:
            print(error, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
