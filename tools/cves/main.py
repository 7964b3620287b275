"""Report the known vulnerabilities of an image's packages, Debian's or Alpine's.

    python -m tools.cves.main --bill image.cdx.json --vex vex.json --data tracker.json

It changes nothing and fails on nothing it finds, unless told to with --fail-on: then it ends with
status 1. 2 says that no report could be made.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tools.cves import bill as bills
from tools.cves import report, sarif, secdb, tracker, vex
from tools.cves.advisories import Advisories
from tools.cves.errors import CvesError
from tools.cves.findings import URGENCIES, Finding, find, fixed
from tools.text import quote
from tools.usage import usage

Load = Callable[[Sequence[str], Path], Advisories]
# Whose data they are: what reads them, and the variable that has their default.
_ADVISORIES: Final[dict[bills.Distribution, tuple[Load, str]]] = {
    bills.DEBIAN: (tracker.load, "DEBIAN_SECURITY_TRACKER"),
    bills.ALPINE: (secdb.load, "ALPINE_SECURITY_DATABASE"),
}
_FAIL_ON: Final[dict[str, Callable[[Finding], bool]]] = {
    "fixable": lambda one: bool(one.fix),
    "high": lambda one: one.rank <= URGENCIES.index("high"),
    "medium": lambda one: one.rank <= URGENCIES.index("medium"),
    "any": lambda one: not one.unimportant,
}


def _parser() -> argparse.ArgumentParser:
    parser = usage.parser(
        "Report the known vulnerabilities of an image's packages.",
        ["--data FILE" if usage.made_by_a_rule() else "--bill FILE.cdx.json --data FILE"],
        "//tools/cves:main",
    )
    parser.add_argument(
        "--bill",
        type=Path,
        required=True,
        help=argparse.SUPPRESS if usage.made_by_a_rule() else "the image's CycloneDX file",
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="FILE|URL",
        help="JSON data of Debian's security tracker, or of Alpine's security database (once for"
        " each repository), also gzip or xz; default: the words of "
        + " or ".join(f"${variable}" for _, variable in _ADVISORIES.values()),
    )
    parser.add_argument(
        "--vex", type=Path, action="append", default=[], help="OpenVEX document; may be repeated"
    )
    parser.add_argument("--format", choices=["text", "json", "sarif"], default="text")
    parser.add_argument("-o", "--output", type=Path, help="file to write, instead of printing")
    parser.add_argument(
        "--fail-on",
        choices=list(_FAIL_ON),
        action="append",
        default=[],
        help="end with status 1 if there is one of that urgency, or one that newer packages of the"
        " suite have fixed; suppressed ones don't count",
    )
    parser.add_argument(
        "--unimportant", action="store_true", help="also list what Debian says is no problem"
    )
    # Given by the build: see python_images/private/attestations/cves.bzl.
    here = Path(os.environ.get("BUILD_WORKING_DIRECTORY") or Path.cwd())
    parser.add_argument("--folder", type=Path, default=here, help=argparse.SUPPRESS)
    parser.add_argument("--lock", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--lock-name", default="", help=argparse.SUPPRESS)
    return parser


def _given(path: Path, folder: Path) -> Path:
    """Return a file of the build, or else one named where the command was typed."""
    return path if path.is_file() else folder / path


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        bill = bills.read(_given(options.bill, options.folder))
        load, variable = _ADVISORIES[bill.distribution]
        data = load(options.data or os.environ.get(variable, "").split(), options.folder)
        statements = vex.read(_given(path, options.folder) for path in options.vex)
        every = find(bill, data, statements)
        findings = [one for one in every if options.unimportant or not one.unimportant]
        patched = fixed(bill, statements)
        hidden = len(every) - len(findings)
        rendered = {
            "text": lambda: report.text(bill, data, findings, hidden, patched),
            "json": lambda: report.as_json(bill, data, findings, hidden, patched),
            "sarif": lambda: sarif.render(
                bill, findings, options.lock_name, sarif.lines_of(options.lock)
            ),
        }[options.format]()
        if options.output:
            (options.folder / options.output).write_text(rendered, "utf-8")
        else:
            sys.stdout.write(rendered)
    except (CvesError, OSError) as error:
        lines = str(error).split("\n")
        print("cves:", "\n".join(quote.terminal(line) for line in lines), file=sys.stderr)
        return 2
    failing = [
        one
        for one in findings
        if not one.suppressed and any(_FAIL_ON[name](one) for name in options.fail_on)
    ]
    if failing:
        names = quote.terminal(" ".join(sorted({one.entry.id for one in failing})))
        print(f"cves: --fail-on {' '.join(options.fail_on)}: {names}", file=sys.stderr)
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
