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
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.alpine.apk import read_apk
from tools.alpine.errors import AlpineError
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
from tools.rootfs.errors import RootfsError
from tools.rootfs.reviews.table import changing, entry, inserted, replace_text


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
    """Runs the program; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Review install scripts of Alpine's packages.")
    parser.add_argument("--table", type=Path, help="the table of reviewed scripts")
    parser.add_argument("--all", action="store_true", help="also show known scripts")
    parser.add_argument("--record", metavar="PACKAGE.SCRIPT", help="record the review of a script")
    parser.add_argument("--effects", help="what stands for it, separated by commas; may be empty")
    parser.add_argument("--why", help="what it does, or why that is nothing")
    parser.add_argument("apk", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        scripts = [script for path in options.apk for script in scripts_of(path)]
        if options.record:
            return _record(options, scripts)
        return _show(options, scripts)
    except RootfsError as error:
        print(f"review: {error}", file=sys.stderr)
        return 2


def scripts_of(path: Path) -> list[Script]:
    """The scripts of a package that a first installation or a trigger runs. RootfsError."""
    # `bazel run` starts programs elsewhere.
    here = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    try:
        apk = read_apk(here / path)
    except AlpineError as error:
        raise RootfsError(error.subject, error.why, "Name a package's .apk file.") from None
    name = apk.one("pkgname")
    return [Script(name, s, apk.scripts[s]) for s in INSTALL_SCRIPTS if s in apk.scripts]


def _show(options: argparse.Namespace, scripts: Sequence[Script]) -> int:
    table = load_table(options.table or TABLE, EFFECTS)
    unknown = 0
    for script in scripts:
        known = _known(script, table)
        unknown += not known
        if options.all or not known:
            print(show(script, table, shlex.join(map(str, options.apk))))
    if unknown:
        print(f"{unknown} to review; effects: {', '.join(EFFECTS)}", file=sys.stderr)
    return 1 if unknown else 0


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
    heading = f"-- {script.name} of {script.package} "
    lines = [heading + "-" * (100 - len(heading))]
    old = nearest(script, table)
    if old is None or _known(script, table):
        text = script.content.decode("utf-8", "backslashreplace")
        commands = ", ".join(changing(text)) or "no command that looks so"
        lines += [text.strip("\n"), "", f"# changes something? {commands}"]
    else:
        lines += [f"--- reviewed ({old.sha256[:12]})", f"+++ this one ({script.sha256[:12]})"]
        lines += [*difference(old, script), ""]
    record = f"--record {script.package}.{script.name}"
    if old is None:
        lines.append("# after reading it, record what stands for it, and why:")
        record += " --effects= --why='...'"
    else:
        effects = ", ".join(old.effects) or "none"
        lines.append(f"# earlier review: {old.why} (effects: {effects})")
        lines.append("# if the earlier review holds for it (else add --effects and --why):")
    if not in_checkout():
        lines.append("# in a checkout of python_images:")
    lines.append(run_command(REVIEW, f"{record} {packages}"))
    return "\n".join(lines) + "\n"


def _record(options: argparse.Namespace, scripts: Sequence[Script]) -> int:
    """Writes the review of one script into the table; the exit status."""
    path = options.table or _source(options.record)
    table = load_table(path, EFFECTS)
    script = next((s for s in scripts if f"{s.package}.{s.name}" == options.record), None)
    if script is None:
        names = ", ".join(f"{s.package}.{s.name}" for s in scripts) or "none"
        raise RootfsError(options.record, "is no script of these packages", f"They have: {names}")
    if _known(script, table):
        print(f"{path}: has it already")
        return 0
    old = nearest(script, table)
    effects = old.effects if old else ()
    if options.effects is not None:
        effects = tuple(name for name in options.effects.split(",") if name)
    why = options.why if options.why is not None else old.why if old else ""
    if not why.strip() or (old is None and options.effects is None):
        raise RootfsError(
            options.record, "has no earlier review", "Give --effects=NAME,... and --why=TEXT"
        )
    unknown = [name for name in effects if name not in EFFECTS]
    if unknown:
        raise RootfsError(", ".join(unknown), "is no effect", f"There are: {', '.join(EFFECTS)}")
    more = f'lines = "{" ".join(fingerprints(script.content))}"\n'
    made = entry(script.package, script.name, script.sha256, effects, why, more)
    text = path.read_text(encoding="utf-8")
    replace_text(path, inserted(text, script.package, script.name, made))
    print(f"{path}: recorded")
    return 0


def _source(subject: str) -> Path:
    """The table of the checkout, to write to."""
    top = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    path = top / "tools/rootfs/alpine" / TABLE.name
    if not in_checkout() or not path.is_file():
        raise RootfsError(
            subject,
            "is recorded in the module python_images, whose checkout this isn't",
            "Run the command in a checkout of it",
        )
    return path


if __name__ == "__main__":
    sys.exit(main())
