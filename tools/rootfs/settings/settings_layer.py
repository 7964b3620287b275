"""Computes a layer of settings: settings_layer.py --layer TAR --epoch N --below TAR... [settings].

--certificate FILE; --user NAME=NUMBER; --file PATH=FILE, mode 644; --program PATH=FILE, mode 755.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.settings.settings import Settings, compute
from tools.rootfs.settings.system import System
from tools.rootfs.tarout import write_tar


def _pair(text: str) -> tuple[str, str]:
    left, _, right = text.partition("=")
    return left, right


def _settings(asked: argparse.Namespace) -> Settings:
    files: dict[str, tuple[bytes, int]] = {}
    for rows, mode in ((asked.file, 0o644), (asked.program, 0o755)):
        for path, source in rows:
            if path in files:
                raise RootfsError(path, "is named twice", "Keep one.")
            files[path] = (Path(source).read_bytes(), mode)
    users: dict[str, int] = {}
    for name, number in asked.user:
        if not number.isdecimal():
            raise RootfsError(f"user {name}", f"{number!r} is no number", "Write digits.")
        users[name] = int(number)
    certificates: dict[str, bytes] = {}
    for file in asked.certificate:
        if file.stem in certificates:
            raise RootfsError(f"certificate {file.stem}", "is named twice", "Rename a file.")
        certificates[file.stem] = file.read_bytes()
    return Settings(certificates, users, files, asked.epoch)


def main(arguments: list[str] | None = None) -> int:
    """Write the layer, or print what's wrong and write nothing; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layer", type=Path, required=True, help="tar to write")
    parser.add_argument("--epoch", type=int, required=True, help="time of all that is added")
    parser.add_argument("--below", type=Path, action="append", default=[], help="lowest first")
    parser.add_argument("--certificate", type=Path, action="append", default=[])
    for option in ("--user", "--file", "--program"):
        parser.add_argument(option, type=_pair, action="append", default=[])
    asked = parser.parse_args(arguments)
    try:
        entries = compute(System(asked.below), _settings(asked))
    except (RootfsError, OSError) as error:
        print(f"settings_layer: {error}", file=sys.stderr)
        return 2
    with asked.layer.open("wb") as out:
        write_tar(out, entries.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
