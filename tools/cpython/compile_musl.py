"""Cross-compiles CPython for musl as docker-library configures it for Alpine.

What compile.py does, by clang: the toolchain is another one, the steps are the same. Apart from
compile.py, so that a change compiles nothing of Debian's again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from tools.cpython import compile as compilation
from tools.cpython import layer
from tools.cpython.compile import Compilation, Recipe
from tools.cpython.workspace import BuildError
from tools.cpython.workspace_musl import MuslToolchain, MuslWorkspace


class MuslCompilation(Compilation):
    """One build in a workspace; `run` does all of it."""

    def report(self) -> dict[str, object]:
        """Facts about the build, the same for every build of the same inputs."""
        facts = super().report()
        return {
            ("clang" if name == "gcc" else name): value
            for name, value in facts.items()
        } | {"libc": "musl"}  # fmt: skip


def main(argv: list[str], compiler: type[MuslCompilation] = MuslCompilation) -> int:
    """The command line, compile.py's and some options more; returns the exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--libgcc", type=Path, required=True, help="tar of gcc's own objects")
    parser.add_argument("--target", required=True, help="clang's name of the target")
    parser.add_argument("--target-flag", action="append", default=[], help="for clang, always")
    known, others = parser.parse_known_args(argv)
    options = compilation._parse(others)
    toolchain = MuslToolchain(
        options.cc, options.sysroot, options.host, options.triplet, options.gcc, options.gnu,
        known.libgcc, known.target, tuple(known.target_flag),
    )  # fmt: skip
    recipe = Recipe(
        version=options.version,
        source=options.source,
        build_python=options.build_python,
        config_site=options.config_site,
        cflags=options.cflags,
        ldflags=options.ldflags,
        optimization=options.optimization,
        free_threaded=options.free_threaded,
        wheels=tuple(options.wheel),
        expected_missing=tuple(options.expected_missing),
        jobs=options.jobs,
    )
    try:
        with MuslWorkspace(options.work, toolchain, options.epoch) as workspace:
            build = compiler(workspace, recipe)
            build.run()
            layer.write(build.out, options.out, options.epoch)
            options.report.write_text(json.dumps(build.report(), indent=1) + "\n")
            shutil.copyfile(workspace.src / "Tools/gdb/libpython.py", options.gdb)
    except BuildError as error:
        print(f"error: CPython {options.label}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
