"""Cross-compiles a library for musl and packs it as two .apk files: <name>.apk and <name>-dev.apk.

A recipe is the list of commands that install into $DESTDIR; what configure and make need to know of
the target is in the environment of the workspace.
"""

from __future__ import annotations

import argparse
import os
import posixpath
import re
import sys
from pathlib import Path

from python_images.tests.alpine.pack_musl import package
from tools.cpython.workspace import BuildError
from tools.cpython.workspace_musl import MuslToolchain, MuslWorkspace
from tools.rootfs.elf import read_elf
from tools.toolchain.tree import Entry, Tree

_EPOCH = 1_700_000_000
# {gnu}: the target; {build}: any other machine, so that configure runs no program of the target.
_RECIPES = {
    "bzip2": [
        "make -f Makefile-libbz2_so CC=gcc",
        "mkdir -p {out}/usr/include {out}/usr/lib",
        "cp bzlib.h {out}/usr/include",
        "cp libbz2.so.1.0.8 {out}/usr/lib",
        "ln -s libbz2.so.1.0.8 {out}/usr/lib/libbz2.so.1.0",
        "ln -s libbz2.so.1.0.8 {out}/usr/lib/libbz2.so",
    ],
    "xz": [
        "sh ./configure --build={build} --host={gnu} --prefix=/usr --disable-static --disable-nls"
        " --disable-xz --disable-xzdec --disable-lzmadec --disable-lzmainfo --disable-scripts"
        " --disable-doc CC=gcc",
        "make -j2",
        "make install DESTDIR={out}",
    ],
    "zlib": ["sh ./configure --prefix=/usr", "make -j2 shared", "make install DESTDIR={out}"],
}
_DEV = re.compile(r"usr/include/.*|usr/lib/.*\.(a|la|pc|h)|usr/lib/lib[^/]*\.so|usr/share/.*")


def build(workspace: MuslWorkspace, name: str, source: Path) -> Tree:
    """Compiles and installs; returns what was installed."""
    workspace.unpack_source(source)
    out = workspace.root / "out"
    out.mkdir()
    words = {"gnu": workspace.toolchain.gnu, "build": "x86_64-build-linux-gnu", "out": str(out)}
    make = {
        # A plain `ar` would be busybox's: its shell prefers its own commands.
        "AR": f"{workspace.bin}/ar",
        "CC": "gcc",
        # zlib's configure tries to link with versions of symbols that its example lacks.
        "CFLAGS": "-O2 -Wl,--undefined-version",
        "CHOST": workspace.toolchain.gnu,
        "RANLIB": "ranlib",
    }
    for number, command in enumerate(_RECIPES[name]):
        program, *arguments = (word.format_map(words) for word in command.split())
        if program == "make":
            arguments.append(f"SHELL={workspace.bin}/sh")
        workspace.run(f"{number}-{program}", [program, *arguments], make)
    tree: Tree = {}
    for path in sorted(out.rglob("*")):
        at = str(path.relative_to(out))
        if path.is_symlink():
            tree[at] = Entry(0o777, target=str(path.readlink()))
        elif path.is_file():
            tree[at] = Entry(path.stat().st_mode & 0o777, path.read_bytes())
    return tree


def provided(tree: Tree) -> list[str]:
    """`provides` of a package, for each of its shared libraries."""
    found = []
    for entry in tree.values():
        elf = read_elf(entry.data) if entry.target is None else None
        if elf is not None and elf.soname:
            found.append(f"provides = so:{elf.soname}=1")
    return found


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", required=True, choices=sorted(_RECIPES))
    parser.add_argument("--arch", required=True, help="Alpine's name of the architecture")
    parser.add_argument("--source", type=Path, required=True, help="source archive")
    for archive in ("cc", "sysroot", "host", "libgcc"):
        parser.add_argument(f"--{archive}", type=Path, required=True, help="tar of the toolchain")
    for fact in ("triplet", "gcc", "gnu", "target"):
        parser.add_argument(f"--{fact}", required=True, help="see tools/cpython/compile_musl.py")
    parser.add_argument("--target-flag", action="append", default=[], help="for clang, always")
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, required=True, help="<name>.apk to write")
    parser.add_argument("--dev", type=Path, required=True, help="<name>-dev.apk to write")
    options = parser.parse_args(argv)
    toolchain = MuslToolchain(
        options.cc, options.sysroot, options.host, options.triplet, options.gcc, options.gnu,
        options.libgcc, options.target, tuple(options.target_flag),
    )  # fmt: skip
    try:
        with MuslWorkspace(options.work, toolchain, _EPOCH) as workspace:
            tree = build(workspace, options.name, options.source)
    except BuildError as error:
        print(f"error: {options.name}: {error}", file=sys.stderr)
        return 1
    dev = {path: entry for path, entry in tree.items() if _DEV.fullmatch(path)}
    runtime = {path: entry for path, entry in tree.items() if path not in dev}
    links = [path for path, entry in runtime.items() if entry.target is None]
    assert any(".so." in posixpath.basename(path) for path in links), os.linesep.join(tree)
    options.out.write_bytes(package(options.name, "1-r0", options.arch, runtime, provided(runtime)))
    options.dev.write_bytes(
        package(f"{options.name}-dev", "1-r0", options.arch, dev, [f"depend = {options.name}"])
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
