"""Options that publishing and signing many images share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(options: argparse.ArgumentParser) -> None:
    """Add the options that choose images, and that say how they are built."""
    options.add_argument("--selection", type=Path, required=True, help=argparse.SUPPRESS)
    options.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="image or tag, like 3.13-*"
    )
    options.add_argument(
        "--platform",
        action="append",
        default=[],
        help="limit an image's index to this platform; repeatable",
    )
    options.add_argument(
        "-y", "--yes", action="store_true", help="don't ask before CPythons are compiled"
    )
    options.add_argument(
        "--build-flag",
        action="append",
        default=[],
        metavar="FLAG",
        help="a flag for the builds, such as --build-flag=--config=quick",
    )


def outputs(listed: Path) -> Path:
    """Return the folder of Bazel's outputs that a file of the program is in."""
    parts = listed.resolve().parts
    if "bazel-out" not in parts:
        return listed.parent
    return Path(*parts[: parts.index("bazel-out") + 3])
