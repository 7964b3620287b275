"""Writes packages of the Alpine on a disk image as .apk files: <out>/<name>.apk of each name.

repack_disk.py --wheel WHEEL --out FOLDER NAME...
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.alpine.qcow2 import DiskError
from tests.alpine.system import RealAlpine


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True, help="the wheel with the image")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("names", nargs="+")
    options = parser.parse_args(arguments)
    alpine = RealAlpine(options.wheel)
    try:
        for name in options.names:
            (options.out / f"{name}.apk").write_bytes(alpine.apk(name))
    except (DiskError, KeyError) as error:
        print(f"{options.wheel}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
