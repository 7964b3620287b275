"""The commands that show scripts and record reviews: what all kinds of packages have in common."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from tools.rootfs.command import in_checkout
from tools.rootfs.rootfs_error import RootfsError


class Script(Protocol):
    """A script of a package."""

    @property
    def package(self) -> str:
        """The package's name."""

    @property
    def name(self) -> str:
        """What the package calls it."""


_Script = TypeVar("_Script", bound=Script)


class Review(Protocol):
    """An earlier review of a script."""

    @property
    def effects(self) -> tuple[str, ...]:
        """What stands for the script."""

    @property
    def why(self) -> str:
        """What it does, or why that is nothing."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that all of these commands have."""
    parser.add_argument("--all", action="store_true", help="also show known scripts")
    parser.add_argument("--record", metavar="PACKAGE.SCRIPT", help="record the review of a script")
    parser.add_argument(
        "--effects", help="the effects that replace it, separated by commas; may be empty"
    )
    parser.add_argument("--why", help="what the script does, or why it has no effect")


def run(
    options: argparse.Namespace,
    scripts: Callable[[], Sequence[_Script]],
    record: Callable[[_Script], None],
    show: Callable[[Sequence[_Script]], int],
) -> int:
    """Records one of the scripts, or shows them, as the options want it; the exit status."""
    try:
        found = scripts()
        if not options.record:
            return show(found)
        record(_named(options.record, found))
    except RootfsError as error:
        print(f"review: {error}", file=sys.stderr)
        return 2
    return 0


def _named(name: str, scripts: Sequence[_Script]) -> _Script:
    """The script of that name, PACKAGE.SCRIPT; RootfsError if there is none."""
    named = {f"{script.package}.{script.name}": script for script in scripts}
    if name not in named:
        names = ", ".join(named) or "none"
        raise RootfsError(name, "is no script of these packages", f"They have: {names}")
    return named[name]


def show_unknown(
    options: argparse.Namespace,
    scripts: Sequence[_Script],
    known: Callable[[_Script], bool],
    text: Callable[[_Script], str],
    effects: Collection[str],
) -> int:
    """Print the text of each script that isn't known, or of all; the exit status.

    `effects` are the names of those there are.
    """
    unknown = [script for script in scripts if not known(script)]
    for script in scripts:
        if options.all or script in unknown:
            print(text(script))
    if unknown:
        print(f"{len(unknown)} to review; effects: {', '.join(effects)}", file=sys.stderr)
    return 1 if unknown else 0


def heading(script: Script) -> str:
    """The line above a script."""
    start = f"-- {script.name} of {script.package} "
    return start + "-" * (100 - len(start))


def earlier_review(review: Review) -> str:
    """The line about a review of another text of a script."""
    return f"# earlier review: {review.why} (effects: {', '.join(review.effects) or 'none'})"


def how_to_record(script: Script, *, earlier: bool) -> tuple[str, str]:
    """A line that says when to record a review, and the options that do it.

    `earlier` says whether there is an earlier review that may hold.
    """
    record = f"--record {script.package}.{script.name}"
    if earlier:
        return "# if the earlier review holds for it (else add --effects and --why):", record
    line = "# after reading it, record what stands for it, and why:"
    return line, f"{record} --effects= --why='...'"


def decision(
    options: argparse.Namespace, earlier: Review | None, known_effects: Collection[str]
) -> tuple[tuple[str, ...], str]:
    """Effects and reason to record: those of the options, else those of the earlier review.

    RootfsError where neither has them, or an effect doesn't exist.
    """
    effects = earlier.effects if earlier else ()
    if options.effects is not None:
        effects = tuple(name for name in options.effects.split(",") if name)
    why: str = options.why if options.why is not None else earlier.why if earlier else ""
    if not why.strip() or (earlier is None and options.effects is None):
        raise RootfsError(
            options.record, "has no earlier review", "Give --effects=NAME,... and --why=TEXT"
        )
    unknown = [name for name in effects if name not in known_effects]
    if unknown:
        raise RootfsError(
            ", ".join(unknown), "is no effect", f"There are: {', '.join(known_effects)}"
        )
    return effects, why


def typed_in() -> Path:
    """The folder in which the command was typed: `bazel run` starts programs elsewhere."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))


def in_sources(subject: str, path: str) -> Path:
    """A file or folder of the checkout, to write to; RootfsError about `subject` elsewhere."""
    found = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), path)
    if not in_checkout() or not found.exists():
        raise RootfsError(
            subject,
            "is recorded in the module python_images, whose checkout this isn't",
            "Run the command in a checkout of it",
        )
    return found
