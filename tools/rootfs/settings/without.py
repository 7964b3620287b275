"""Computes a layer that takes something away from the layers below it.

without.py --layer TAR --what pip --below TAR...
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.settings.system import System
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

_PYTHON: Final = r"usr/local/lib/python3\.[0-9]+t?"
# What there is of it; a folder goes with all that is in it.
WHAT: Final[Mapping[str, re.Pattern[str]]] = {
    # With the copy that ensurepip would install again, and all programs of pip's.
    "pip": re.compile(
        rf"{_PYTHON}/site-packages/pip(?:-[^/]+\.dist-info)?"
        rf"|{_PYTHON}/ensurepip/_bundled/pip-[^/]+\.whl"
        r"|usr/local/bin/pip[0-9.t]*"
    )
}


def whiteouts(paths: Iterable[str], wanted: re.Pattern[str]) -> dict[str, Entry]:
    """The entries, by path, that hide what is wanted."""
    found = {}
    for path in paths:
        if wanted.fullmatch(path):
            folder, _, name = path.rpartition("/")
            found[f"{folder}/.wh.{name}"] = Entry("file", 0o644)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write the layer, or print what's wrong and write nothing; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layer", type=Path, required=True, help="tar to write")
    parser.add_argument("--what", choices=list(WHAT), required=True)
    parser.add_argument("--below", type=Path, action="append", default=[], help="lowest first")
    asked = parser.parse_args(arguments)
    try:
        entries = whiteouts(System(asked.below).kinds, WHAT[asked.what])
        if not entries:
            raise RootfsError(
                f"{asked.what} = False",
                f"the base has no {asked.what}",
                f"Leave out {asked.what} = False.",
            )
    except (RootfsError, OSError) as error:
        print(f"python_image: {error}", file=sys.stderr)
        return 2
    with asked.layer.open("wb") as out:
        write_tar(out, entries.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
