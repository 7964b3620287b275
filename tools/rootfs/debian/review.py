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
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.cli import atomic
from tools.rootfs.arches import arch_named
from tools.rootfs.command import in_checkout, run_command
from tools.rootfs.debian import reviewed
from tools.rootfs.debian.effects import EFFECTS
from tools.rootfs.debian.package import load_package
from tools.rootfs.debian.program import TABLES
from tools.rootfs.debian.scripts import Rule, Script, ScriptTable, load_table, scripts_of
from tools.rootfs.reviews import command
from tools.rootfs.reviews.table import changing, inserted
from tools.rootfs.reviews.table import entry as table_entry


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tools/rootfs:review --", description="Review maintainer scripts."
    )
    parser.add_argument("--suite", required=True)
    parser.add_argument("--arch", required=True, help="Debian architecture")
    parser.add_argument("--tables", type=Path, help="tables of reviewed scripts")
    parser.add_argument("--table", type=Path, help="a further table, in which to record reviews")
    parser.add_argument("--texts", type=Path, help="texts of reviewed scripts")
    command.add_options(parser)
    parser.add_argument("deb", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    return command.run(
        options,
        lambda: _scripts(options),
        lambda script: _record(options, script),
        lambda scripts: _show(options, scripts),
    )


def _scripts(options: argparse.Namespace) -> list[Script]:
    """The scripts of the packages on the command line."""
    arch = arch_named(options.arch)
    packages = [load_package(command.typed_in() / name, False, arch.name) for name in options.deb]
    return [script for package in packages for script in scripts_of(package, arch)]


def _table(options: argparse.Namespace, folder: Path) -> ScriptTable:
    path = folder / f"{options.suite}.toml"
    table = load_table(path, EFFECTS) if path.exists() else ScriptTable(path, {})
    if options.table:
        return table.with_own(command.typed_in() / options.table, str(options.table), EFFECTS)
    return table


def _show(options: argparse.Namespace, scripts: Sequence[Script]) -> int:
    table = _table(options, options.tables or TABLES)
    texts = options.texts or reviewed.TEXTS
    again = f"--suite {options.suite} --arch {options.arch} "
    if options.table:
        again += f"--table {shlex.quote(str(options.table))} "
    again += shlex.join(map(str, options.deb))
    return command.show_unknown(
        options,
        scripts,
        lambda script: script.trivial or table.rule_for(script) is not None,
        lambda script: show(script, table, texts, again),
        EFFECTS,
    )


def show(script: Script, table: ScriptTable, texts: Path, options: str) -> str:
    """The script or its difference to a reviewed one, and the command that records the review.

    `options` is what that command is told besides.
    """
    lines = [command.heading(script)]
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
    lines += [command.earlier_review(known) for known in dict.fromkeys(rules)]
    line, record = command.how_to_record(script, earlier=_earlier(script, table, texts) is not None)
    lines.append(line)
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


def _record(options: argparse.Namespace, script: Script) -> None:
    """Write the review of one script into the table, and its text beside."""
    tables, texts = (TABLES, reviewed.TEXTS) if options.table else _source(options)
    table = _table(options, options.tables or tables)
    path = command.typed_in() / options.table if options.table else table.path
    if table.rule_for(script) is not None:
        print(f"{options.table or path}: has it already")
        return
    earlier = _earlier(script, table, texts)
    effects, why = command.decision(options, earlier, EFFECTS)
    diversions = earlier.diversions if earlier and options.effects is None else ()
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    made = entry(script, effects, why, diversions)
    atomic.write(path, inserted(text, script.package, script.name, made))
    print(f"{options.table or path}: recorded")
    if not options.table:
        print(f"{reviewed.write(texts, script)}: written")


def _source(options: argparse.Namespace) -> tuple[Path, Path]:
    """The folders of the tables and of the texts, to write to."""
    if options.tables and options.texts:
        return options.tables, options.texts
    scripts = command.in_sources(options.record, "tools/rootfs/debian/scripts")
    return options.tables or scripts, options.texts or scripts.with_name("reviewed")


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
