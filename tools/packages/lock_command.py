"""What `//tools:lock` does alike for packages of every kind: options, exit statuses, lock files."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

Lock = TypeVar("Lock")

STALE, FAILED, INTERRUPTED = 1, 2, 130


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser for a backend's options."""
    return argparse.ArgumentParser(prog="./bazelw run //tools:lock --", description=description)


def add_check(options: argparse.ArgumentParser) -> None:
    """Add --check."""
    options.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")


def add_repeatable(options: argparse.ArgumentParser, name: str, description: str) -> None:
    """Add an option that may be given several times, such as --mirror."""
    options.add_argument(name, action="append", default=[], help=description)


def add_root(options: argparse.ArgumentParser) -> None:
    """Add --root, whose default `bazel run` gives."""
    options.add_argument(
        "--root",
        default=os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."),
        help="top of the source tree (default: the workspace)",
    )


def main(
    options: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], int],
    faults: tuple[type[Exception], ...],
    argv: Sequence[str] | None,
) -> int:
    """Run a backend.

    Args:
        options: its options but --root, which every backend has.
        run: locks as the arguments say, and returns the exit status.
        faults: what it raises for a fault that is the input's.
        argv: the command line; None for the process's own.

    Returns:
        the exit status: 0, STALE (only with --check), FAILED or INTERRUPTED.
    """
    add_root(options)
    try:
        return run(options.parse_args(argv))
    except faults as error:
        print(f"lock: error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("lock: interrupted", file=sys.stderr)
        return INTERRUPTED


def read_old(path: Path, read: Callable[[Path], Lock], damaged: type[Exception]) -> Lock | None:
    """Return the lock in a file; None if there is none, or a damaged one, of which it says so."""
    if not path.exists():
        return None
    try:
        return read(path)
    except damaged as error:
        print(f"replacing a damaged lock: {error}", file=sys.stderr)
        return None


def state(*, stale: bool, write: bool) -> str:
    """Say what became of a lock file."""
    return "unchanged" if not stale else "written" if write else "stale"


def update(
    top: Path,
    file: Path,
    write: Callable[[Path], None] | None,
    *,
    stale: bool,
    changes: Sequence[str] = (),
) -> bool:
    """Bring a lock file up to date, and say so with its changes; return whether it was stale.

    Args:
        top: of the source tree.
        file: the lock, below it.
        write: writes the lock to a path; None with --check.
        stale: whether the file isn't what it should be.
        changes: a line each, for people.
    """
    if stale and write is not None:
        (top / file).parent.mkdir(parents=True, exist_ok=True)
        write(top / file)
    print(f"{file}: {state(stale=stale, write=write is not None)}")
    for line in changes:
        print(f"  {line}")
    return stale
