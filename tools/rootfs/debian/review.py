"""Shows maintainer scripts the way they're reviewed, and records reviews.

    ./bazelw run //tools/rootfs:review -- --suite bookworm --arch amd64 PACKAGE.deb...

Prints each script of the packages that the suite's table doesn't know, without debhelper's parts:
as the difference to the reviewed text that is most like it, or, if there's none, its text and the
commands in it that usually change a system. Then the command that records the review. With --all,
also scripts that are known. Exits with status 1 when there is something to review.

With --table FILE, scripts count as known that this table of another workspace has, and reviews are
recorded in it: see docs/customise.md.

With --record PACKAGE.SCRIPT, adds the script to tools/rootfs/debian/scripts/<suite>.toml, and its
text to tools/rootfs/debian/reviewed. Effects and reason are those of the earlier review whose text
is most like it, unless --effects and --why name others.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.rootfs.arch import arch_named
from tools.rootfs.command import in_checkout, run_command
from tools.rootfs.debian import reviewed
from tools.rootfs.debian.effects import EFFECTS
from tools.rootfs.debian.package import load_package
from tools.rootfs.debian.program import TABLES
from tools.rootfs.debian.scripts import Rule, Script, ScriptTable, load_table, scripts_of
from tools.rootfs.errors import RootfsError
from tools.rootfs.reviews.table import changing, inserted, replace_text
from tools.rootfs.reviews.table import entry as table_entry


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tools/rootfs:review --", description="Review maintainer scripts."
    )
    parser.add_argument("--suite", required=True)
    parser.add_argument("--arch", required=True, help="Debian architecture")
    parser.add_argument("--tables", type=Path, help="tables of reviewed scripts")
    parser.add_argument("--table", type=Path, help="a further table, in which to record reviews")
    parser.add_argument("--texts", type=Path, help="texts of reviewed scripts")
    parser.add_argument("--all", action="store_true", help="also show known scripts")
    parser.add_argument("--record", metavar="PACKAGE.SCRIPT", help="record the review of a script")
    parser.add_argument("--effects", help="what stands for it, separated by commas; may be empty")
    parser.add_argument("--why", help="what it does, or why that is nothing")
    parser.add_argument("deb", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        found = _scripts(options)
        if options.record:
            return _record(options, found)
        return _show(options, found)
    except RootfsError as error:
        print(f"review: {error}", file=sys.stderr)
        return 2


def _scripts(options: argparse.Namespace) -> list[Script]:
    """The scripts of the packages on the command line."""
    arch = arch_named(options.arch)
    packages = [load_package(_here() / name, False, arch.name) for name in options.deb]
    return [script for package in packages for script in scripts_of(package, arch)]


def _table(options: argparse.Namespace, folder: Path) -> ScriptTable:
    path = folder / f"{options.suite}.toml"
    table = load_table(path, EFFECTS) if path.exists() else ScriptTable(path, {})
    if options.table:
        return table.with_own(_here() / options.table, str(options.table), EFFECTS)
    return table


def _here() -> Path:
    """The folder in which the command was typed: `bazel run` starts programs elsewhere."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))


def _show(options: argparse.Namespace, scripts: Sequence[Script]) -> int:
    table = _table(options, options.tables or TABLES)
    texts = options.texts or reviewed.TEXTS
    command = f"--suite {options.suite} --arch {options.arch} "
    if options.table:
        command += f"--table {shlex.quote(str(options.table))} "
    command += shlex.join(map(str, options.deb))
    unknown = 0
    for script in scripts:
        known = script.trivial or table.rule_for(script) is not None
        unknown += not known
        if options.all or not known:
            print(show(script, table, texts, command))
    if unknown:
        print(f"{unknown} to review; effects: {', '.join(EFFECTS)}", file=sys.stderr)
    return 1 if unknown else 0


def show(script: Script, table: ScriptTable, texts: Path, options: str) -> str:
    """The script or its difference to a reviewed one, and the command that records the review.

    `options` is what that command is told besides.
    """
    heading = f"-- {script.name} of {script.package} "
    lines = [heading + "-" * (100 - len(heading))]
    old = reviewed.nearest(texts, script)
    if old is None or table.rule_for(script) is not None:
        commands = ", ".join(changing(script.text)) or "no command that looks so"
        lines += [script.text.strip("\n"), ""]
        lines.append(f"# changes something? {commands}")
    else:
        lines += [reviewed.difference(old, script), ""]
    enabled = script.snippets.units + script.snippets.init_scripts
    if enabled:
        lines.append(f"# enables: {', '.join(enabled)}")
    rules = table.rules.get((script.package, script.name), ())
    lines += [
        f"# earlier review: {known.why} (effects: {', '.join(known.effects) or 'none'})"
        for known in dict.fromkeys(rules)
    ]
    record = f"--record {script.package}.{script.name}"
    if _earlier(script, table, texts) is None:
        lines.append("# after reading it, record what stands for it, and why:")
        record += " --effects= --why='...'"
    else:
        lines.append("# if the earlier review holds for it (else add --effects and --why):")
    if table.own is None and not in_checkout():
        lines.append("# in a checkout of python_images:")
        lines.append(f"./bazelw run //tools/rootfs:review -- {record} {options}")
    else:
        lines.append(run_command("//tools/rootfs:review", f"{record} {options}"))
    return "\n".join(lines) + "\n"


def _earlier(script: Script, table: ScriptTable, texts: Path) -> Rule | None:
    """The review whose text is most like a script's, else the last one in the table."""
    rules = table.rules.get((script.package, script.name), ())
    old = reviewed.nearest(texts, script)
    known = {rule.sha256: rule for rule in rules}
    if old is not None and old.sha256 in known:
        return known[old.sha256]
    return rules[-1] if rules else None


def _record(options: argparse.Namespace, scripts: Sequence[Script]) -> int:
    """Write the review of one script into the table and its text beside; the exit status."""
    tables, texts = (TABLES, reviewed.TEXTS) if options.table else _source(options)
    table = _table(options, options.tables or tables)
    script = next((s for s in scripts if f"{s.package}.{s.name}" == options.record), None)
    if script is None:
        names = ", ".join(f"{s.package}.{s.name}" for s in scripts) or "none"
        raise RootfsError(options.record, "is no script of these packages", f"They have: {names}")
    path = _here() / options.table if options.table else table.path
    if table.rule_for(script) is not None:
        print(f"{options.table or path}: has it already")
        return 0
    earlier = _earlier(script, table, texts)
    effects = earlier.effects if earlier else ()
    if options.effects is not None:
        effects = tuple(name for name in options.effects.split(",") if name)
    why = options.why if options.why is not None else earlier.why if earlier else ""
    if not why.strip() or (earlier is None and options.effects is None):
        raise RootfsError(
            options.record, "has no earlier review", "Give --effects=NAME,... and --why=TEXT"
        )
    unknown = [name for name in effects if name not in EFFECTS]
    if unknown:
        raise RootfsError(", ".join(unknown), "is no effect", f"There are: {', '.join(EFFECTS)}")
    diversions = earlier.diversions if earlier and options.effects is None else ()
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    made = entry(script, effects, why, diversions)
    replace_text(path, inserted(text, script.package, script.name, made))
    print(f"{options.table or path}: recorded")
    if options.table:
        return 0
    print(f"{reviewed.write(texts, script)}: written")
    return 0


def _source(options: argparse.Namespace) -> tuple[Path, Path]:
    """The folders of the tables and of the texts, to write to."""
    if options.tables and options.texts:
        return options.tables, options.texts
    top = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), "tools/rootfs/debian")
    if not in_checkout() or not (top / "scripts").is_dir():
        raise RootfsError(
            options.record,
            "is recorded in the module python_images, whose checkout this isn't",
            "Run the command in a checkout of it",
        )
    return options.tables or top / "scripts", options.texts or top / "reviewed"


def entry(
    script: Script,
    effects: Sequence[str],
    why: str,
    diversions: Sequence[tuple[str, str]] = (),
) -> str:
    """The table's entry for a script."""
    pairs = "".join(f"    {json.dumps(list(pair))},\n" for pair in diversions)
    more = f"diversions = [\n{pairs}]\n" if pairs else ""
    return table_entry(script.package, script.name, script.sha256, effects, why, more)


if __name__ == "__main__":
    sys.exit(main())
