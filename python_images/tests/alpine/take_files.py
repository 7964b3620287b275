"""Makes a package of some files of another one, as Alpine splits what it builds.

    take_files.py --apk ncurses.apk --name libpanelw --keep 'usr/lib/libpanelw*' --out libpanelw.apk

With --link, it has symbolic links as well; with --append, a line more in a file.
"""

from __future__ import annotations

import argparse
import fnmatch
from dataclasses import replace
from pathlib import Path

from python_images.tests.alpine.pack_library import relations
from python_images.tests.alpine.pack_musl import package
from toolchains.trees.tree import Entry, Tree
from tools.formats.alpine.apk import read_apk


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apk", type=Path, required=True, help="the package to take from")
    parser.add_argument("--name", required=True, help="of the new package")
    parser.add_argument("--keep", action="append", required=True, help="which paths (fnmatch)")
    parser.add_argument("--link", action="append", default=[], help="PATH=TARGET")
    parser.add_argument("--append", action="append", default=[], help="PATH=LINE")
    parser.add_argument("--out", type=Path, required=True, help="<name>.apk to write")
    options = parser.parse_args()
    apk = read_apk(options.apk)
    tree: Tree = {
        member.info.name: Entry(0o777, target=member.info.linkname)
        if member.info.issym()
        else Entry(member.info.mode, member.data)
        for member in apk.members()
        if not member.info.isdir()
        and any(fnmatch.fnmatchcase(member.info.name, pattern) for pattern in options.keep)
    }
    if not tree:
        raise SystemExit(f"{options.apk}: has nothing like {options.keep}")
    for link in options.link:
        path, _, target = link.partition("=")
        tree[path] = Entry(0o777, target=target)
    for addition in options.append:
        path, _, line = addition.partition("=")
        tree[path] = replace(tree[path], data=bytes(tree[path].data) + f"{line}\n".encode())
    options.out.write_bytes(
        package(options.name, apk.one("pkgver"), apk.one("arch"), tree, relations(tree))
    )


if __name__ == "__main__":
    main()
