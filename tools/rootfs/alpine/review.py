"""Shows the install scripts of Alpine's packages that nobody has reviewed, and records reviews.

    ./bazelw run //tools/rootfs/alpine:review -- PACKAGE.apk...

Prints each script that the table doesn't know: as the difference to the reviewed one that is most
like it, or, if there is none, its text and the commands in it that usually change a system. Then
the command that records the review. With --all, also scripts that are known. Exits with status 1
when there is something to review.

With --record PACKAGE.SCRIPT, adds the script to tools/rootfs/alpine/scripts.toml. Effects and
reason are those of the earlier review that is most like it, unless --effects and --why name others.

The table has no texts, which are other people's, but a fingerprint of each line that a shell runs.
So a difference shows lines that are new, and just the number of those that are gone.
"""

from __future__ import annotations

import argparse
import difflib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.cli import atomic
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.apk import read_apk
from tools.rootfs.alpine.build import TABLE
from tools.rootfs.alpine.effects import EFFECTS
from tools.rootfs.alpine.scripts import (
    INSTALL_SCRIPTS,
    REVIEW,
    Rule,
    Table,
    fingerprints,
    load_table,
    script_sha256,
)
from tools.rootfs.alpine.shell_text import run_text
from tools.rootfs.command import in_checkout, run_command
from tools.rootfs.reviews import command
from tools.rootfs.reviews.table import changing, entry, inserted
from tools.rootfs.rootfs_error import RootfsError


@dataclass(frozen=True)
class Script:
    """A package's install script, as bytes."""

    package: str
    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What the table has of it."""
        return script_sha256(self.content)

    @property
    def lines(self) -> list[str]:
        """The lines that a review holds for."""
        return run_text(self.content).decode("utf-8", "backslashreplace").split("\n")[:-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Review install scripts of Alpine's packages.")
    parser.add_argument("--table", type=Path, help="the table of reviewed scripts")
    command.add_options(parser)
    parser.add_argument("apk", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    return command.run(
        options,
        lambda: [script for path in options.apk for script in scripts_of(path)],
        lambda script: _record(options, script),
        lambda scripts: _show(options, scripts),
    )


def scripts_of(path: Path) -> list[Script]:
    """The scripts of a package that a first installation or a trigger runs. RootfsError."""
    try:
        apk = read_apk(command.typed_in() / path)
    except AlpineError as error:
        raise RootfsError(error.subject, error.why, "Name a package's .apk file.") from None
    name = apk.one("pkgname")
    return [Script(name, s, apk.scripts[s]) for s in INSTALL_SCRIPTS if s in apk.scripts]


def _show(options: argparse.Namespace, scripts: Sequence[Script]) -> int:
    table = load_table(options.table or TABLE, EFFECTS)
    return command.show_unknown(
        options,
        scripts,
        lambda script: _known(script, table),
        lambda script: show(script, table, shlex.join(map(str, options.apk))),
        EFFECTS,
    )


def _known(script: Script, table: Table) -> bool:
    rules = table.get((script.package, script.name), ())
    return any(rule.sha256 == script.sha256 for rule in rules)


def nearest(script: Script, table: Table) -> Rule | None:
    """The review of that script whose lines have most in common with it; None if there is none."""
    own = fingerprints(script.content)

    def likeness(rule: Rule) -> float:
        return difflib.SequenceMatcher(None, rule.lines, own, False).ratio()

    return max(table.get((script.package, script.name), ()), key=likeness, default=None)


def difference(old: Rule, script: Script) -> list[str]:
    """The script's lines, those that weren't reviewed with a plus; and where others are gone."""
    matcher = difflib.SequenceMatcher(None, old.lines, fingerprints(script.content), False)
    shown = []
    for what, first, last, start, end in matcher.get_opcodes():
        if what in ("delete", "replace"):
            shown += [f"-(line {number + 1} of the reviewed code)" for number in range(first, last)]
        sign = " " if what == "equal" else "+"
        shown += [sign + line for line in script.lines[start:end]]
    return shown


def show(script: Script, table: Table, packages: str) -> str:
    """The script or its difference to a reviewed one, and the command that records the review."""
    lines = [command.heading(script)]
    old = nearest(script, table)
    if old is None or _known(script, table):
        text = script.content.decode("utf-8", "backslashreplace")
        commands = ", ".join(changing(text)) or "no command that looks so"
        lines += [text.strip("\n"), "", f"# changes something? {commands}"]
    else:
        lines += [f"--- reviewed ({old.sha256[:12]})", f"+++ this one ({script.sha256[:12]})"]
        lines += [*difference(old, script), ""]
    if old is not None:
        lines.append(command.earlier_review(old))
    line, record = command.how_to_record(script, earlier=old is not None)
    lines.append(line)
    if not in_checkout():
        lines.append("# in a checkout of python_images:")
    lines.append(run_command(REVIEW, f"{record} {packages}"))
    return "\n".join(lines) + "\n"


def _record(options: argparse.Namespace, script: Script) -> None:
    """Write the review of one script into the table."""
    path = options.table or command.in_sources(options.record, f"tools/rootfs/alpine/{TABLE.name}")
    table = load_table(path, EFFECTS)
    if _known(script, table):
        print(f"{path}: has it already")
        return
    effects, why = command.decision(options, nearest(script, table), EFFECTS)
    more = f'lines = "{" ".join(fingerprints(script.content))}"\n'
    made = entry(script.package, script.name, script.sha256, effects, why, more)
    text = path.read_text(encoding="utf-8")
    atomic.write(path, inserted(text, script.package, script.name, made))
    print(f"{path}: recorded")


if __name__ == "__main__":
    sys.exit(main())
