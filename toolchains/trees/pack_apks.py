"""Packs Alpine packages into one tree, to compile against: a sysroot.

The output is an uncompressed tar, as toolchains/trees/pack_debs.py makes of Debian's packages.
"""

from __future__ import annotations

import argparse
import posixpath
import sys
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from toolchains.trees.tree import Entry, Tree, write_tar
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.apk import read_apk


def relative_target(path: str, target: str) -> str:
    """The target of the symbolic link `path`, made relative if it is absolute.

    >>> relative_target("usr/lib/libc.so", "/lib/ld-musl-x86_64.so.1")
    '../../lib/ld-musl-x86_64.so.1'
    """
    if not target.startswith("/"):
        return target
    return posixpath.relpath(target.lstrip("/"), posixpath.dirname(path))


def read_tree(apks: Iterable[Path], keep: Callable[[str], bool]) -> Tree:
    """Merge the files of packages whose path `keep` wants.

    Raises:
        AlpineError: a package is malformed, or two have a path with different content.
    """
    tree: Tree = {}
    for apk in sorted(apks):
        files: dict[str, Entry] = {}
        for member in read_apk(apk).members():
            info = member.info
            if info.isdir():
                continue
            if info.issym():
                entry = Entry(
                    0o777, target=relative_target(info.name, info.linkname), origin=apk.name
                )
            elif info.islnk():
                entry = files[info.linkname.removeprefix("./")]
            else:
                entry = Entry(info.mode & 0o777, member.data, origin=apk.name)
            files[info.name] = entry
            if not keep(info.name):
                continue
            known = tree.setdefault(info.name, entry)
            if (known.data, known.target) != (entry.data, entry.target):
                raise AlpineError(apk, f"{info.name} is another file than in {known.origin}")
    return tree


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--apk", type=Path, action="append", required=True, help=".apk to unpack")
    parser.add_argument("--keep", action="append", help="only paths matching (fnmatch), default *")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    keep = options.keep or ["*"]
    try:
        tree = read_tree(options.apk, lambda path: any(fnmatchcase(path, one) for one in keep))
    except AlpineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_tar(tree, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
