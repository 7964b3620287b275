"""What command lines have in common."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.cli import atomic
from tools.cli.input_error import InputError

_ROOT = Path(__file__).parents[2]
INTERRUPTED: Final = 130  # exit status, as a shell has it of what SIGINT ends


def checkout() -> Path:
    """The checkout when run by `bazel run` in it, else the tree this file is part of.

    A workspace that depends on this one has the catalog in that tree, and what it adds to it.
    """
    workspace = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", _ROOT))
    return workspace if (workspace / "catalog/platforms.yaml").is_file() else _ROOT


def given(path: str) -> Path:
    """A path from the command line: `bazel run` changes folder, so take the caller's."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), path)


def parser(command: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose help ends in ``examples``, one per line."""
    lines = "\n".join(
        f"  ./bazelw run //tools:{command} -- {line}" for line in examples.split("\n")
    )
    return argparse.ArgumentParser(
        prog=f"./bazelw run //tools:{command} --",
        description=description,
        epilog=f"examples:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_format(options: argparse.ArgumentParser) -> None:
    """Add ``--format``."""
    options.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people, or for programs"
    )


def add_output(options: argparse.ArgumentParser) -> None:
    """Add ``--output``."""
    options.add_argument(
        "--output", type=given, metavar="FILE", help="write there instead of standard output"
    )


def shown(path: Path) -> Path:
    """``path`` as messages should call it: relative to the checkout when it's inside."""
    return path.relative_to(checkout()) if path.is_relative_to(checkout()) else path


def as_json(value: object) -> str:
    """JSON for people and programs: indented, in the order given."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def coloured(text: str, code: str, stream: object = None) -> str:
    """``text`` in a terminal colour when the stream is a terminal and NO_COLOR is unset."""
    target = sys.stdout if stream is None else stream
    terminal = getattr(target, "isatty", lambda: False)()
    return f"\033[{code}m{text}\033[0m" if terminal and not os.environ.get("NO_COLOR") else text


def run(
    main: Callable[[], str],
    output: Path | None = None,
    errors: tuple[type[Exception], ...] = (),
) -> int:
    """Print what ``main`` returns, or write it to ``output``.

    An InputError, or one of ``errors``, is one line and exit status 2; nothing is written then. So
    is output that can't be written. Ctrl-C is one line, too, and the status a shell has for it.
    """
    expected: tuple[type[Exception], ...] = (InputError, *errors)
    try:
        _write(main(), output)
    except expected as error:
        print(coloured("error:", "31", sys.stderr), error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _write(text: str, output: Path | None) -> None:
    """Write the text. Raises InputError."""
    if output is None:
        _print(text)
        return
    try:
        atomic.write(output, text)
    except OSError as error:
        raise InputError(
            output, None, "", f"can't be written: {error.strerror}", "name another file in --output"
        ) from None


def _print(text: str) -> None:
    """Write the text to standard output. Raises InputError."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Keep Python from writing the rest once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise InputError(
                "standard output",
                None,
                "",
                f"can't be written: {error.strerror}",
                "make room, or send it elsewhere",
            ) from None
        # The reader (head, less) has seen enough.
