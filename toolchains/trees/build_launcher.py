"""Compiles launcher.c with a native gcc straight from its packages.

The compiler's programs can't be started through launchers yet, so each is started through the
dynamic loader by hand: cc1, as and ld. The launcher needs no C library, so neither does this.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from toolchains.trees.pack_debs import LOADER
from toolchains.trees.tree import TreeError, read_packages, write_tar
from toolchains.trees.unpack import LIBRARIES, extract
from tools.formats.debian.closure import closure
from tools.formats.debian.deb import DebError, read_deb

_CFLAGS = (
    "-quiet",
    "-O2",
    "-std=c11",
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-pic",
    "-fno-pie",
    "-fno-asynchronous-unwind-tables",
    "-fcf-protection=none",
)
# What packages with the programs below are called; what else they need they depend on.
_PACKAGES = ("binutils-", "cpp-")


def _wanted(path: str) -> bool:
    return path.startswith("usr/lib64/") or (
        (
            path.startswith(("usr/bin/", "usr/lib/", "usr/libexec/"))
            and path.endswith(("/cc1", "-as", "-ld", "-ld.bfd"))
        )
        or path.startswith(LIBRARIES)
    )


def compiler(debs: Iterable[Path]) -> list[Path]:
    """Return the packages of the compiler and the binary utilities, and those they need.

    The others are most of a gcc: unpacking them takes longer than all else here.
    """
    packages = {deb.control["Package"]: deb for deb in map(read_deb, debs)}
    wanted = [name for name in packages if name.startswith(_PACKAGES)]
    needed = closure(wanted, {name: deb.control for name, deb in packages.items()})
    return [packages[name].path for name in sorted(needed)]


def build(debs: list[Path], source: Path, scratch: Path) -> Path:
    """Compile `source` below `scratch`; return the executable.

    Args:
        debs: the packages of a gcc for x86-64 that runs on x86-64.
        source: launcher.c.
        scratch: a folder for the compiler and what it writes.

    Raises:
        TreeError: they lack a program of the compiler.
        subprocess.CalledProcessError: compiling failed.
    """
    write_tar(read_packages(compiler(debs), _wanted), scratch / "cc.tar")
    extract(scratch / "cc.tar", scratch)

    def run(pattern: str, *arguments: str | Path) -> None:
        programs = sorted(path for path in scratch.glob(pattern) if not path.is_symlink())
        if len(programs) != 1:
            raise TreeError(f"one {pattern} is needed, the packages have {len(programs)}")
        command: list[str | Path] = [scratch / LOADER, "--inhibit-cache"]
        command += ["--library-path", scratch / LIBRARIES, programs[0], *arguments]
        subprocess.run(command, check=True, env={"LC_ALL": "C"})

    assembly, unlinked, linked = (scratch / f"launcher{end}" for end in (".s", ".o", ""))
    run("usr/lib*/gcc/*/*/cc1", *_CFLAGS, source, "-o", assembly)
    run("usr/bin/x86_64-linux-gnu-as", "--64", assembly, "-o", unlinked)
    options = ["-static", "--strip-all", "--build-id=none", "-z", "noexecstack"]
    run("usr/bin/x86_64-linux-gnu-ld.bfd", *options, unlinked, "-o", linked)
    return linked


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deb", type=Path, action="append", required=True, help=".deb of gcc")
    parser.add_argument("--source", type=Path, required=True, help="launcher.c")
    parser.add_argument("--out", type=Path, required=True, help="executable to write")
    options = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(dir=options.out.parent) as scratch:
            built = build(options.deb, options.source, Path(scratch).absolute())
            options.out.write_bytes(built.read_bytes())
            options.out.chmod(0o755)
    except (DebError, TreeError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
