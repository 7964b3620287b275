"""Lock the wheels of an application for an image, for all its platforms in one file.

requirements.in, or else pyproject.toml, is resolved, and requirements.txt written, with hashes, for
`wheels.lock` of MODULE.bazel. The Python is the image's and not this machine's, and only wheels are
taken. Versions of the lock stay where they can; --upgrade takes the newest. The package index is
the one that pip is set up for, or uv by its UV_… variables.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.cli import atomic
from tools.wheels.locks import index, resolve, write
from tools.wheels.locks.pins import LockError, Pin
from tools.wheels.locks.read import read
from tools.wheels.locks.target import Target

_SOURCES = ("requirements.in", "pyproject.toml")
_DEFAULT = ("amd64", "arm64")


def targets_of(
    bases: dict[str, Any], base: str, python: str, libc: str, platforms: Sequence[str]
) -> list[Target]:
    """What to lock for.

    Args:
        bases: @wheel_bases//:bases.json.
        base: a tag or a label that ends with one; "" for an image of `python` and `libc`.
        python: the image's Python where there is no base.
        libc: its C library where there is no base.
        platforms: names of platforms; none for those of amd64 and arm64 that the base has.

    Raises:
        LockError: there is no such base, or it has no such platform.
    """
    if not base:
        return [Target.of(platform, python, libc) for platform in platforms or _DEFAULT]
    tag = base.rpartition(":")[2]
    if tag not in bases["images"]:
        raise LockError(f"--base={base}: no such tag", relock=False)
    release, suite = bases["images"][tag]
    known: dict[str, str] = {name: libc for name, libc in bases["libc"][suite].items() if libc}
    for platform in platforms:
        if platform not in known:
            raise LockError(
                f"--platform={platform}: {base} has {', '.join(known) or 'no platform yet'}",
                relock=False,
            )
    chosen = platforms or [platform for platform in _DEFAULT if platform in known]
    return [Target.of(platform, release, known[platform]) for platform in chosen]


def sources_of(given: Sequence[Path], beside: Path) -> list[Path]:
    """The files to resolve. LockError if one isn't there."""
    found = list(given) or [beside / name for name in _SOURCES if (beside / name).is_file()][:1]
    if not found:
        raise LockError(
            f"{beside}: neither {' nor '.join(_SOURCES)}: name the file with what the application "
            "requires",
            relock=False,
        )
    for path in found:
        if not path.is_file():
            raise LockError(f"{path}: no such file", relock=False)
    return found


def pins_of(path: Path, targets: Sequence[Target]) -> list[Pin]:
    """The pins of a lock as it is, of all targets; none if it isn't there or can't be read."""
    if not path.exists():
        return []
    try:
        lock = read(path, str(path))
        return [pin for target in targets for pin in lock.pins(target)]
    except LockError:
        return []


def _header(command: str, options: argparse.Namespace, targets: Sequence[Target]) -> list[str]:
    which = f"--base={options.base}" if options.base else f"--python={options.python}"
    words = [which, *([] if options.base else [f"--libc={options.libc!r}"])]
    words += [f"--platform={platform}" for platform in options.platform]
    words += [f"--lock={options.lock}", *map(str, options.sources)]
    names = ", ".join(target.platform for target in targets)
    return [
        f"Wheels for Python {targets[0].minor} on {names}. Written by",
        f"  {command} -- {' '.join(words)}",
    ]


def lock(bases: dict[str, Any], options: argparse.Namespace, folder: Path) -> str:
    """Lock as the command line says, paths being relative to `folder`; return what to report."""
    targets = targets_of(bases, options.base, options.python, options.libc, options.platform)
    path = folder / options.lock
    sources = sources_of([folder / source for source in options.sources], path.parent)
    before = pins_of(path, targets)
    kept = [] if options.upgrade else [(pin.name, pin.version) for pin in before]
    config = index.configured(options.pip)
    minor = targets[0].minor.rstrip("t")
    found, text = resolve.resolve(options.uv, sources, minor, kept, config)
    if faults := write.faults(found, targets):
        lines = "\n".join(f"  {fault}" for fault in dict.fromkeys(faults))
        raise LockError(
            f"{options.lock} is not written: wheels are missing.\n{lines}", relock=False
        )
    after = [pin for target in targets for pin in found.pins(target)]
    if path.suffix != ".toml":
        text = write.requirements(found, targets, _header(bases["command"], options, targets))
    changed = not path.exists() or path.read_text() != text
    if changed:
        atomic.write(path, text)
    told = write.changes(write.versions(before), write.versions(after))
    count = len(write.versions(after))
    summary = f"{options.lock}: {count} packages, {'written' if changed else 'unchanged'}"
    return "\n".join([*told, summary])


def main(argv: list[str] | None = None) -> int:
    """Command line; 1 and a message where it can't be locked."""
    internal = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--uv", "--pip", "--bases"):
        internal.add_argument(name, type=Path, required=True, help=argparse.SUPPRESS)
    known, _ = internal.parse_known_args(argv)
    bases = json.loads(known.bases.read_text())
    parser = argparse.ArgumentParser(
        prog=f"{bases['command']} --",
        usage="%(prog)s --base=3.13-slim [options] [FILE ...]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[internal],
        allow_abbrev=False,
    )
    parser.add_argument("--base", default="", help="the image: a tag such as 3.13-slim")
    parser.add_argument("--python", default="", help="without --base: its Python, such as 3.13")
    parser.add_argument("--libc", default="glibc 2.36", help="without --base: its C library")
    parser.add_argument(
        "--platform", action="append", default=[], help="repeatable; default: amd64 and arm64"
    )
    parser.add_argument(
        "--lock", default="requirements.txt", help="the file to write; or pylock.toml"
    )
    parser.add_argument("--upgrade", action="store_true", help="the newest versions of everything")
    parser.add_argument(
        "sources", nargs="*", metavar="FILE", help="default: requirements.in or pyproject.toml"
    )
    options = parser.parse_args(argv)
    if bool(options.base) == bool(options.python):
        parser.error("give --base, or --python and --libc")
    folder = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    try:
        print(lock(bases, options, folder))
    except (LockError, OSError, ValueError) as error:
        print(f"lock_app: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
