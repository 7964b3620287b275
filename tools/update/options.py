"""The command line of the update."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from tools.cli import command, usage
from tools.update import python_org


def _day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def parser() -> argparse.ArgumentParser:
    """The parser; its help names the command as it is typed."""
    options = command.parser(
        "update",
        "Look for new releases of CPython and Debian, newer packages and changed ends of support.\n"
        "Verify what is found, change catalog, locks and generated files as one transaction,\n"
        "check that everything loads, and print a summary for a pull request on standard output.\n"
        "Sources that aren't available are named in the summary, and their files stay.\n\n"
        "exit status: 0 nothing to do, 1 changes or news, 2 a failure or an alarm (changes that\n"
        "succeeded are written and named)",
        "--check\n--suite trixie --arch amd64\n--pocket security\n--add 3.16\n--declare 3.16.0\n"
        "--accept openssl=3.5.7-1\n--mirror http://mirror.example/debian --no-locks",
    )
    options.add_argument("--check", action="store_true", help="print the plan and write nothing")
    options.add_argument(
        "--suite", action="append", default=[], help="only locks of this suite (repeatable)"
    )
    options.add_argument(
        "--arch", action="append", default=[], help="only locks of this Debian architecture"
    )
    options.add_argument(
        "--pocket",
        type=lambda text: text.split(","),
        default=[],
        help="only locks, and besides main only these parts of the archive: updates, security",
    )
    options.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="NAME=VERSION",
        help="accept a package for which the last run gave an alarm",
    )
    options.add_argument(
        "--add", action="append", default=[], metavar="MINOR", help="begin to build a minor version"
    )
    options.add_argument(
        "--declare",
        action="append",
        default=[],
        metavar="VERSION",
        help="add a release that can't be fetched here, with the checksum that is announced",
    )
    options.add_argument(
        "--keep", action="store_true", help="keep the rows of superseded patch releases"
    )
    options.add_argument("--no-locks", action="store_true", help="renew no lock")
    options.add_argument(
        "--python-org", default=python_org.SITE, metavar="URL", help="a mirror of python.org"
    )
    options.add_argument("--peps", default=python_org.PEPS, metavar="URL", help=argparse.SUPPRESS)
    options.add_argument("--registry", metavar="URL", help="a mirror of Bazel's module registry")
    options.add_argument(
        "--mirror",
        metavar="URL",
        help="a Debian mirror (default: this machine's, else a public one)",
    )
    options.add_argument(
        "--debian-suite",
        action="append",
        metavar="SUITE",
        help="where to look for CPython sources (default: sid and testing)",
    )
    options.add_argument("--keyring", metavar="FILE", help="Debian's public keys")
    options.add_argument(
        "--unsigned", action="store_true", help="take the mirror's word: it is your own"
    )
    options.add_argument(
        "--bazel",
        type=usage.words,
        default="./bazelw",
        metavar="COMMAND",
        help="what checks the checkout",
    )
    options.add_argument("--unchecked", action="store_true", help=argparse.SUPPRESS)
    options.add_argument(
        "--distro-info",
        type=Path,
        default=Path("/usr/share/distro-info/debian.csv"),
        help=argparse.SUPPRESS,
    )
    options.add_argument("--today", type=_day, default=None, help=argparse.SUPPRESS)
    return options
