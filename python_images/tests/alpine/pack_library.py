"""Packs what was installed of a library as .apk files: <name>.apk, and <name>-dev.apk."""

from __future__ import annotations

import argparse
import posixpath
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from python_images.tests.alpine.pack_musl import package
from toolchains.trees.tree import Entry, Tree
from tools.formats.elf import read_elf

_DEV = re.compile(r"usr/include/.*|usr/lib/.*\.([aho]|la|pc)|usr/lib/lib[^/]*\.so|usr/share/.*")


def read_tar(path: Path) -> Tree:
    """The tree that build_library.py wrote."""
    tree: Tree = {}
    with tarfile.open(path) as tar:
        for info in tar:
            if info.issym():
                tree[info.name] = Entry(0o777, target=info.linkname)
            elif info.isreg():
                stream = tar.extractfile(info)
                assert stream is not None
                tree[info.name] = Entry(info.mode, stream.read())
    return tree


def relations(tree: Tree) -> Iterator[str]:
    """`provides` and `depend` of a package, for its shared libraries and what its files need."""
    provided: set[str] = set()
    needed: set[str] = set()
    for entry in tree.values():
        elf = read_elf(entry.data) if entry.target is None else None
        if elf is not None:
            needed.update(elf.needed)
            provided.update({elf.soname} if elf.soname else ())
    yield from (f"provides = so:{name}=1" for name in sorted(provided))
    yield from (f"depend = so:{name}" for name in sorted(needed - provided))


def _script(text: str) -> tuple[str, bytes]:
    name, _, content = text.partition("=")
    return name, content.encode()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="of the package")
    parser.add_argument("--arch", required=True, help="Alpine's name of the architecture")
    parser.add_argument("--field", action="append", default=[], help="further line of .PKGINFO")
    parser.add_argument("--script", action="append", default=[], type=_script, help="NAME=TEXT")
    parser.add_argument("--tree", type=Path, required=True, help="tar of what was installed")
    parser.add_argument("--out", type=Path, required=True, help="<name>.apk to write")
    parser.add_argument("--dev", type=Path, help="<name>-dev.apk to write, of a library")
    options = parser.parse_args()
    tree = read_tar(options.tree)
    dev = {path: entry for path, entry in tree.items() if options.dev and _DEV.fullmatch(path)}
    runtime = {path: entry for path, entry in tree.items() if path not in dev}
    files = [posixpath.basename(path) for path, entry in runtime.items() if entry.target is None]
    if options.dev and not any(".so." in name for name in files):
        raise SystemExit(f"{options.tree}: has no shared library: {sorted(tree)}")
    fields = [*relations(runtime), *options.field]
    options.out.write_bytes(
        package(options.name, "1-r0", options.arch, runtime, fields, dict(options.script))
    )
    if options.dev:
        options.dev.write_bytes(
            package(f"{options.name}-dev", "1-r0", options.arch, dev, [f"depend = {options.name}"])
        )


if __name__ == "__main__":
    main()
