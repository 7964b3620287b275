"""What the programs that compute a layer have in common: options, outputs, and how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tools.rootfs.output import Writers, write_all
from tools.rootfs.rootfs_error import RootfsError


def option_parser(description: str) -> argparse.ArgumentParser:
    """A parser of what all of them are told: the spec, and what to write."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--layer", type=Path, required=True, help="tar to write")
    parser.add_argument("--installed", type=Path, required=True, help="JSON of packages to write")
    parser.add_argument("--listing", type=Path, required=True, help="text listing to write")
    return parser


def run(outputs: Callable[[], Writers]) -> int:
    """Write all outputs, or print what's wrong and write none; return the exit status."""
    try:
        write_all(outputs())
    except (RootfsError, OSError) as error:
        print(f"rootfs: {error}", file=sys.stderr)
        return 2
    return 0
