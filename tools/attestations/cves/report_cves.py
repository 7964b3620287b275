"""Report the known vulnerabilities of packages, Debian's or Alpine's, of an image or of several.

    ./bazelw run //tools:cves -- --bill image.cdx.json --vex vex.json --data tracker.json

It changes nothing and fails on nothing it finds, unless told to with --fail-on: then it ends with
status 1. 2 says that no report could be made.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tools.attestations.cves import bill as bills
from tools.attestations.cves import report, sarif, secdb, tracker, vex
from tools.attestations.cves.advisories import Advisories
from tools.attestations.cves.cves_error import CvesError
from tools.attestations.cves.findings import URGENCIES, Finding, find, fixed
from tools.cli import usage
from tools.text import quote

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
        "//tools:cves",
    )
    parser.add_argument(
        "--bill",
        type=Path,
        action="append",
        required=True,
        help=argparse.SUPPRESS
        if usage.made_by_a_rule()
        else "the image's CycloneDX file; repeated for those of an index",
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
    # Of each bill, in their order; empty where there is none.
    parser.add_argument("--lock", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--lock-name", action="append", default=[], help=argparse.SUPPRESS)
    return parser


def _given(path: Path, folder: Path) -> Path:
    """Return a file of the build, or else one named where the command was typed."""
    return path if path.is_file() else folder / path


def _reports(options: argparse.Namespace) -> tuple[str, list[Finding]]:
    """What there is to print of all images, and what was found.

    Raises:
        CvesError: a bill, the data or a statement can't be used.
    """
    statements = vex.read(_given(path, options.folder) for path in options.vex)
    loaded: dict[bills.Distribution, Advisories] = {}
    texts: list[str] = []
    documents: list[dict[str, Any]] = []
    found: list[Finding] = []
    for number, path in enumerate(options.bill):
        bill = bills.read(_given(path, options.folder))
        if bill.distribution not in loaded:
            load, variable = _ADVISORIES[bill.distribution]
            words = options.data or os.environ.get(variable, "").split()
            loaded[bill.distribution] = load(words, options.folder)
        data = loaded[bill.distribution]
        every = find(bill, data, statements)
        findings = [one for one in every if options.unimportant or not one.unimportant]
        about = (bill, data, findings, len(every) - len(findings), fixed(bill, statements))
        found += findings
        if options.format == "text":
            texts.append(report.text(*about))
        elif options.format == "json":
            documents.append(report.as_json(*about))
        else:
            lock = "".join(options.lock[number : number + 1])
            lines = sarif.lines_of(Path(lock) if lock else None)
            name = "".join(options.lock_name[number : number + 1])
            documents.append(sarif.run(bill, findings, name, lines))
    if options.format == "sarif":
        return _json(sarif.document(documents)), found
    if options.format == "json":
        # Of one image it is no list.
        return _json(documents if len(documents) > 1 else documents[0]), found
    return "\n".join(texts), found


def _json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        rendered, findings = _reports(options)
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
