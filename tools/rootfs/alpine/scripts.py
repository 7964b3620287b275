"""The reviewed scripts of Alpine's packages: which is known, and which effects stand for it.

No script is run. Every script that a first installation or a trigger would run has to be in the
table, ``tools/rootfs/alpine/scripts.toml``, with the SHA-256 of what a shell runs of it (its text
without comments: shell_text.py); what it does is then done by the effects the table names, or the
table says why it does nothing. A script that is new or has
changed stops the build until someone has read it::

    [[busybox.trigger]]               # more than one where releases differ
    sha256 = "<64 hex digits>"
    effects = ["busybox_links"]       # may be empty
    lines = "<8 hex digits> …"        # of each line's SHA-256, to show what is new in another one
    why = "links every applet that no package has as a program"
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs.alpine.package import Package
from tools.rootfs.alpine.shell_text import run_text
from tools.rootfs.command import bazel, in_checkout, run_command
from tools.rootfs.rootfs_error import RootfsError

# Those of upgrades and removals never run in an image.
INSTALL_SCRIPTS = ("pre-install", "post-install", "trigger")
# The program that shows and records reviews.
REVIEW = "//tools/rootfs/alpine:review"
_FIELDS = {"sha256", "effects", "lines", "why"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One reviewed script: the hash the review holds for, its effects, why, and its lines' prints.

    The fingerprints of lines decide nothing.
    """

    sha256: str
    effects: tuple[str, ...]
    why: str
    lines: tuple[str, ...]


Table = Mapping[tuple[str, str], tuple[Rule, ...]]


def load_table(path: Path, known_effects: Iterable[str]) -> Table:
    """Read the table: rules by package and script. RootfsError for anything malformed."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RootfsError(str(path), f"can't be read: {error}", "Mend the file.") from None
    effects = frozenset(known_effects)
    rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for package, scripts in raw.items():
        for script, reviews in scripts.items() if isinstance(scripts, dict) else [("", None)]:
            where = f"{package}.{script}"
            if script not in INSTALL_SCRIPTS or not isinstance(reviews, list):
                names = ", ".join(f"[[{package}.{name}]]" for name in INSTALL_SCRIPTS)
                raise RootfsError(f"{path}: {where}", "is no script", f"Write one of {names}.")
            rules[package, script] = tuple(_rule(f"{path}: {where}", r, effects) for r in reviews)
    return rules


def _rule(where: str, fields: object, known: frozenset[str]) -> Rule:
    if not isinstance(fields, dict) or set(fields) != _FIELDS:
        names = ", ".join(sorted(_FIELDS))
        raise RootfsError(where, f"is no table of {names}", "Write these four.")
    sha256, effects, why, lines = (fields[name] for name in ("sha256", "effects", "why", "lines"))
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise RootfsError(where, f"sha256 is {sha256!r}, not a SHA-256 in hex", "Correct it.")
    if not isinstance(effects, list) or not set(map(str, effects)) <= known:
        raise RootfsError(
            where, f"effects is {effects!r}", f"Write a list out of {', '.join(sorted(known))}."
        )
    if not isinstance(why, str) or not why.strip():
        raise RootfsError(where, "says not why", "Write what the script does, in a few words.")
    if not isinstance(lines, str) or not re.fullmatch("(?:[0-9a-f]{8}(?: |$))*", lines):
        raise RootfsError(where, f"lines is {lines!r}", "Write eight hex digits of each line.")
    return Rule(sha256, tuple(effects), why, tuple(lines.split()))


def script_sha256(text: bytes) -> str:
    """The SHA-256 that the table has of a script."""
    return hashlib.sha256(run_text(text)).hexdigest()


def fingerprints(text: bytes) -> tuple[str, ...]:
    """Eight hex digits for each line that a shell runs of a script."""
    lines = run_text(text).split(b"\n")[:-1]
    return tuple(hashlib.sha256(line).hexdigest()[:8] for line in lines)


def review(
    packages: Iterable[Package], table: Table, table_name: str
) -> dict[tuple[str, str], Rule]:
    """The rule for every install script of the packages, by package and script.

    Raises RootfsError naming all scripts that have no rule, with their hashes.
    """
    found: dict[tuple[str, str], Rule] = {}
    unknown: list[str] = []
    paths: dict[str, None] = {}
    for package in packages:
        for name in INSTALL_SCRIPTS:
            text = package.apk.scripts.get(name)
            if text is None:
                continue
            key = (package.name, name)
            sha256 = script_sha256(text)
            rule = next((rule for rule in table.get(key, ()) if rule.sha256 == sha256), None)
            if rule is None:
                state = "has changed" if key in table else "is new"
                unknown.append(
                    f"{name} of {package.name} {package.version} {state}: sha256 {sha256}"
                )
                paths[shell_path(package.apk.path)] = None
            else:
                found[key] = rule
    if unknown:
        raise RootfsError(
            "review these scripts" if len(unknown) > 1 else "review this script",
            "\n    " + "\n    ".join(unknown),
            f"Show: {run_command(REVIEW, ' '.join(paths))}\n"
            f"  That names the command that records it in {table_name}"
            + ("; see docs/alpine.md." if in_checkout() else "."),
        )
    return found


def shell_path(apk: Path) -> str:
    """An .apk's path for a command line; in an action it's relative to Bazel's output base."""
    if apk.parts[:1] == ("external",):
        return f"$({bazel()} info output_base)/{apk}"
    return str(apk)
