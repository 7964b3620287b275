"""Packs Debian packages into one relocatable tree: a compiler, host tools, or a sysroot.

The output is an uncompressed tar that runs from wherever it is unpacked. With --launcher, every
x86-64 program that needs a dynamic loader is renamed to NAME.real and started by a launcher
(see launcher.c) through the tree's own loader and libraries, so nothing of the machine's is used.
Without it (a sysroot is only read), files stay as they are.
"""

from __future__ import annotations

import argparse
import posixpath
import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from toolchains.trees.tree import Entry, Tree, TreeError, read_packages, write_tar
from toolchains.trees.unpack import LIBRARIES
from tools.formats.debian.deb import DebError
from tools.formats.elf import EM_X86_64, ElfError, read_elf

LOADER = "lib64/ld-linux-x86-64.so.2"


def add_launchers(tree: Tree, launcher: bytes) -> list[str]:
    """Put a launcher in front of each dynamically linked x86-64 program of `tree`, in place.

    Shared libraries that can also be executed (the loader and libc.so.6 among them) are left alone.

    Returns:
        The paths that are now launchers, sorted.

    Raises:
        TreeError: there are such programs, but no dynamic loader; or an ELF file is damaged.
    """
    programs = []
    for path, entry in sorted(tree.items()):
        if entry.target is not None or ".so" in posixpath.basename(path):
            continue
        try:
            header = read_elf(entry.data)
        except ElfError as error:
            raise TreeError(f"{path}: {entry.origin} has a damaged ELF file: {error}") from None
        if header and header.machine == EM_X86_64 and header.interpreter is not None:
            programs.append(path)
    if programs and "usr/" + LOADER not in tree:
        raise TreeError(f"{programs[0]} needs {LOADER}, which none of the packages has")
    for path in programs:
        entry = tree[path]
        up = "%d/" + posixpath.relpath(".", posixpath.dirname(path))
        lines = [
            f"{up}/{LOADER}",
            "--inhibit-cache",
            "--argv0",
            "%s",
            "--library-path",
            f"{up}/{LIBRARIES}",
            f"%d/{posixpath.basename(path)}.real",
        ]
        tree[path + ".real"] = entry
        tree[path + ".launch"] = Entry(0o644, ("\n".join(lines) + "\n").encode())
        tree[path] = replace(entry, mode=0o755, data=launcher)
    return programs


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deb", type=Path, action="append", required=True, help=".deb to unpack")
    parser.add_argument("--keep", action="append", help="only paths matching (fnmatch), default *")
    parser.add_argument("--drop", action="append", default=[], help="but no path matching")
    parser.add_argument("--launcher", type=Path, help="launcher program; default: add none")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    keep, drop = options.keep or ["*"], options.drop

    def wanted(path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in keep) and not any(
            fnmatchcase(path, pattern) for pattern in drop
        )

    try:
        tree = read_packages(options.deb, wanted)
        if options.launcher:
            add_launchers(tree, options.launcher.read_bytes())
    except (DebError, TreeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_tar(tree, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
