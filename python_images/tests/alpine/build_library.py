"""Cross-compiles a library for musl: a tar of what its commands install.

What configure and make need to know of the target is in the environment of the workspace.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from toolchains.trees.unpack import extract
from tools.cpython import layer
from tools.cpython.workspace import BuildError
from tools.cpython.workspace_musl import MuslToolchain, MuslWorkspace

_EPOCH = 1_700_000_000
_PERL = "5.40"
_SHEBANG = re.compile(rb"^#! ?(/bin/sh|/usr/bin/env perl|/usr/bin/perl)\b")


class LibraryWorkspace(MuslWorkspace):
    """One that has perl and tclsh too, and maybe `build-cc`, a compiler for the build machine."""

    def __init__(
        self, root: Path, toolchain: MuslToolchain, build: MuslToolchain | None, tools: Path
    ) -> None:
        super().__init__(root, toolchain, _EPOCH)
        if build is not None:
            MuslWorkspace(self.root / "build", build, _EPOCH)
            self._launch("build-cc", "build/bin/gcc", ["-static"])
        extract(tools, self.root / "tools")
        self._launch("perl", "tools/usr/bin/perl")
        self._launch("tclsh", "tools/usr/bin/tclsh8.6")

    def environment(self) -> dict[str, str]:
        """The whole environment of every step."""
        usr = f"{self.root}/tools/usr"
        folders = (
            f"share/perl/{_PERL}",
            f"lib/x86_64-linux-gnu/perl/{_PERL}",
            "lib/x86_64-linux-gnu/perl-base",
        )
        return super().environment() | {
            # A plain `ar` would be busybox's: its shell prefers its own commands.
            "AR": f"{self.bin}/ar",
            "CC": "gcc",
            # zlib's configure tries to link with versions of symbols that its example lacks.
            "CFLAGS": "-O1 -Wl,--undefined-version",
            "CHOST": self.toolchain.gnu,
            "PERL": f"{self.bin}/perl",
            "PERL5LIB": ":".join(f"{usr}/{folder}" for folder in folders),
            "RANLIB": f"{self.bin}/ranlib",
            "TCL_LIBRARY": f"{usr}/share/tcltk/tcl8.6",
        }

    def unpack_source(self, archive: Path) -> None:
        """Unpack an archive, and have its scripts started by our shell and perl."""
        super().unpack_source(archive)
        for path in self.src.rglob("*"):
            if path.is_symlink() or not path.is_file() or not path.stat().st_mode & 0o100:
                continue
            data = path.read_bytes()
            found = _SHEBANG.match(data)
            if found:
                program = "perl" if found[1].endswith(b"perl") else "sh"
                before = path.stat()
                path.write_bytes(f"#!{self.bin}/{program}".encode() + data[found.end() :])
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def build(
    workspace: LibraryWorkspace,
    source: Path,
    commands: Sequence[str],
    words: Mapping[str, str],
    variables: Mapping[str, str],
) -> Path:
    """Compile and install; return the folder of what was installed.

    Args:
        workspace: where.
        source: an archive.
        commands: see recipes.bzl.
        words: what stands for {WORD} in them, besides {bin}, {build}, {gnu} and {out}.
        variables: what is added to the environment.
    """
    workspace.unpack_source(source)
    out = workspace.root / "out"
    out.mkdir()
    known = {
        "bin": str(workspace.bin),
        "build": "x86_64-build-linux-gnu",
        "gnu": workspace.toolchain.gnu,
        "out": str(out),
        **words,
    }
    for number, command in enumerate(commands):
        program, *arguments = (
            re.sub(r"{(\w+)}", lambda found: known[found[1]], word) for word in shlex.split(command)
        )
        if program == "make":
            arguments.append(f"SHELL={workspace.bin}/sh")
        workspace.run(f"{number}-{program}", [program, *arguments], variables)
    return out


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", required=True, help="for messages")
    parser.add_argument("--source", type=Path, required=True, help="source archive")
    parser.add_argument("--command", action="append", default=[], help="see recipes.bzl")
    parser.add_argument("--word", action="append", default=[], type=_pair, help="NAME=VALUE")
    parser.add_argument("--env", action="append", default=[], type=_pair, help="NAME=VALUE")
    for archive in ("cc", "sysroot", "host", "libgcc", "tools"):
        parser.add_argument(f"--{archive}", type=Path, required=True, help="tar of the toolchain")
    for archive in ("build-sysroot", "build-libgcc"):
        parser.add_argument(f"--{archive}", type=Path, help="the build machine's")
    parser.add_argument("--build-target", help="clang's name of the build machine; has a build-cc")
    for fact in ("triplet", "gcc", "gnu", "target"):
        parser.add_argument(f"--{fact}", required=True, help="see tools/cpython/compile_musl.py")
    parser.add_argument("--target-flag", action="append", default=[], help="for clang, always")
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    toolchain = MuslToolchain(
        options.cc, options.sysroot, options.host, options.triplet, options.gcc, options.gnu,
        options.libgcc, options.target, tuple(options.target_flag),
    )  # fmt: skip
    build_machine = None
    if options.build_target:
        build_machine = replace(
            toolchain, sysroot=options.build_sysroot, libgcc=options.build_libgcc,
            target=options.build_target, flags=(),
        )  # fmt: skip
    try:
        with LibraryWorkspace(options.work, toolchain, build_machine, options.tools) as workspace:
            out = build(
                workspace, options.source, options.command, dict(options.word), dict(options.env)
            )
            layer.write(out, options.out, _EPOCH)
    except BuildError as error:
        print(f"error: {options.name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
