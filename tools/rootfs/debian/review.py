"""Shows maintainer scripts the way they're reviewed, and the lines that record a review.

    bazel run //tools/rootfs:review -- --suite bookworm --arch amd64 PACKAGE.deb...

Prints each script of the packages that the suite's table doesn't know: its text without
debhelper's parts, the commands in it that usually change a system, and an entry for
tools/rootfs/debian/scripts/<suite>.toml, to be completed with effects and a reason. With --all,
also scripts that are known. Exits with status 1 when there is something to review.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.rootfs.arch import arch_named
from tools.rootfs.debian.effects import EFFECTS
from tools.rootfs.debian.main import TABLES
from tools.rootfs.debian.package import load_package
from tools.rootfs.debian.scripts import Script, ScriptTable, load_table, scripts_of
from tools.rootfs.errors import RootfsError

_CHANGING = re.compile(
    r"\b(add(?:user|group)|group(?:add|mod)|user(?:add|mod)|dpkg-(?:divert|statoverride|trigger)"
    r"|update-[a-z.-]+|pam-auth-update|ucfr?|py3compile|shadowconfig|chown|chmod|ch(?:grp|sh)"
    r"|mkdir|mknod|ln|cp|mv|rm|install|touch|tee|setcap|cat\s*>|systemctl|db_(?:set|input|go))\b"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Review maintainer scripts.")
    parser.add_argument("--suite", required=True)
    parser.add_argument("--arch", required=True, help="Debian architecture")
    parser.add_argument("--tables", type=Path, default=TABLES, help="tables of reviewed scripts")
    parser.add_argument("--all", action="store_true", help="also show known scripts")
    parser.add_argument("deb", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        arch = arch_named(options.arch)
        path = options.tables / f"{options.suite}.toml"
        table = load_table(path, EFFECTS) if path.exists() else ScriptTable(path, {})
        unknown = 0
        for name in options.deb:
            # `bazel run` starts programs elsewhere.
            deb = Path(os.environ.get("BUILD_WORKING_DIRECTORY", ".")) / name
            for script in scripts_of(load_package(deb, False, arch.name), arch):
                known = script.trivial or table.rule_for(script) is not None
                unknown += not known
                if options.all or not known:
                    print(show(script, table))
    except RootfsError as error:
        print(f"review: {error}", file=sys.stderr)
        return 2
    if unknown:
        print(f"{unknown} to review; effects: {', '.join(EFFECTS)}", file=sys.stderr)
    return 1 if unknown else 0


def show(script: Script, table: ScriptTable) -> str:
    """The script's text, its telling commands, and an entry for the table."""
    rules = table.rules.get((script.package, script.name), ())
    rule = f"-- {script.name} of {script.package} "
    commands = sorted({" ".join(m.split()) for m in _CHANGING.findall(script.text)})
    lines = [rule + "-" * (100 - len(rule)), script.text.strip("\n"), ""]
    if script.snippets.units or script.snippets.init_scripts:
        lines.append(
            f"# enables: {', '.join(script.snippets.units + script.snippets.init_scripts)}"
        )
    lines.append(f"# changes something? {', '.join(commands) or 'no command that looks like it'}")
    lines += [
        f"# earlier review: {known.why} (effects: {', '.join(known.effects)})" for known in rules
    ]
    lines.append(entry(script, (), ""))
    return "\n".join(lines)


def entry(script: Script, effects: Sequence[str], why: str) -> str:
    """The table's entry for a script; empty `why` makes it invalid until someone fills it in."""
    key = script.package if re.fullmatch(r"[\w-]+", script.package) else f'"{script.package}"'
    return (
        f"[[{key}.{script.name}]]\n"
        f'sha256 = "{script.sha256}"\n'
        f"effects = {json.dumps(list(effects))}\n"
        f"why = {json.dumps(why)}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
