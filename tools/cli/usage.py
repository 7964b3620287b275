"""Command lines whose help names a program as people start it, by `bazel run`."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import Final

# Set by the scripts that rules make, which know their target.
VARIABLE: Final = "PYTHON_IMAGES_COMMAND"


def made_by_a_rule() -> str:
    """Return the command that started this program, if a rule gives it its files; else ""."""
    return os.environ.get(VARIABLE, "")


def parser(
    description: str, examples: Sequence[str] = (), target: str = ""
) -> argparse.ArgumentParser:
    """Return a parser; its help ends in examples, each the words after the command.

    A script that a rule made knows the command; `target` is the program's otherwise.
    """
    command = made_by_a_rule() or (f"./bazelw run {target}" if target else "")
    lines = "\n".join(f"  {command} -- {one}".rstrip() for one in examples)
    return argparse.ArgumentParser(
        prog=f"{command} --" if command else None,
        description=description,
        epilog=f"examples:\n{lines}" if command and examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def words(text: str) -> list[str]:
    """Return the words of a command that an option names: `type` of an argument."""
    try:
        found = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}: names no program")
    return found
