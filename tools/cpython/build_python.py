"""Compiles the CPython that drives the cross-compilation of the same version.

CPython can only be cross-compiled by a working interpreter of its own version (it generates
frozen modules and sysconfig data, and installs pip). This makes one for the build machine: a
single static executable, so that it starts wherever it lies, without a dynamic loader. It has
no standard library of its own; whoever runs it gives it the source's Lib.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.cpython import answers
from tools.cpython.workspace import BuildError, Toolchain, Workspace, available_jobs

# Not needed to build CPython or to install pip; most have no static library to link.
SKIPPED_MODULES = [
    "_asyncio",
    "_bz2",
    "_codecs_cn",
    "_codecs_hk",
    "_codecs_iso2022",
    "_codecs_jp",
    "_codecs_kr",
    "_codecs_tw",
    "_ctypes",
    "_curses",
    "_curses_panel",
    "_dbm",
    "_decimal",
    "_elementtree",
    "_gdbm",
    "_hashlib",
    "_interpchannels",
    "_interpqueues",
    "_interpreters",
    "_lsprof",
    "_lzma",
    "_multibytecodec",
    "_multiprocessing",
    "_posixshmem",
    "_remote_debugging",
    "_sqlite3",
    "_ssl",
    "_statistics",
    "_tkinter",
    "_uuid",
    "_zoneinfo",
    "_zstd",
    "cmath",
    "nis",
    "readline",
    "resource",
    "spwd",
    "syslog",
]

# For make. It is compiled once and runs for some seconds: modules aren't worth optimising.
_OPT = "-DNDEBUG $(if $(filter Modules/%,$@),-O0,-O1) -fwrapv -w"


def build(workspace: Workspace, source: Path, jobs: int, *, free_threaded: bool = False) -> Path:
    """Compile the interpreter; return where it lies in the workspace.

    Args:
        workspace: where to build.
        source: CPython's source archive.
        jobs: how many compilers run at once.
        free_threaded: build one without the global interpreter lock. Programs that write down facts
            of a free-threaded CPython take some of them from the interpreter they run on.
    """
    workspace.unpack_source(source)
    return compile_static(workspace, jobs, ["--disable-gil"] if free_threaded else [])


def compile_static(workspace: Workspace, jobs: int, options: Sequence[str] = ()) -> Path:
    """Compile what lies in the workspace's source directory; return the static interpreter.

    Args:
        workspace: where the source is unpacked.
        jobs: how many compilers run at once.
        options: more for configure.
    """
    site = workspace.root / "config.site"
    site.write_text(answers.site(answers.find(workspace)))
    workspace.run(
        "configure",
        [
            "sh",
            "./configure",
            "--without-ensurepip",
            "--without-static-libpython",
            "--disable-test-modules",
            *options,
            *(f"py_cv_module_{name}=n/a" for name in SKIPPED_MODULES),
            "CC=gcc",
            f"AR={workspace.bin}/ar",
            "LDFLAGS=-static",
            "LINKFORSHARED= ",
            "MODULE_BUILDTYPE=static",
        ],
        {"CONFIG_SITE": str(site)},
    )
    workspace.run(
        "make",
        ["make", f"-j{jobs}", f"SHELL={workspace.bin}/sh", f"OPT={_OPT}", "python"],
    )
    python = workspace.src / "python"
    workspace.run("strip", ["strip", "--strip-all", python])
    return python


def main(argv: list[str], build: Callable[..., Path] = build) -> int:
    """The command line; returns the exit status. `build` is what compiles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="CPython source archive")
    parser.add_argument("--cc", type=Path, required=True, help="tar of a native compiler")
    parser.add_argument("--sysroot", type=Path, required=True, help="tar of a native sysroot")
    parser.add_argument("--host", type=Path, required=True, help="tar of make, pkgconf, busybox")
    parser.add_argument("--triplet", required=True, help="its directory of libraries")
    parser.add_argument("--gnu", required=True, help="GNU triplet of the build machine")
    parser.add_argument("--gcc", required=True, help="major version of gcc")
    parser.add_argument("--free-threaded", action="store_true", help="build without the GIL")
    parser.add_argument("--epoch", type=int, required=True, help="what the build takes as the time")
    parser.add_argument("--jobs", type=int, default=available_jobs())
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, required=True, help="executable to write")
    options = parser.parse_args(argv)
    toolchain = Toolchain(
        options.cc, options.sysroot, options.host, options.triplet, options.gcc, options.gnu
    )
    try:
        with Workspace(options.work, toolchain, options.epoch) as workspace:
            python = build(
                workspace, options.source, options.jobs, free_threaded=options.free_threaded
            )
            options.out.write_bytes(python.read_bytes())
            options.out.chmod(0o755)
    except BuildError as error:
        print(f"error: build python: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
