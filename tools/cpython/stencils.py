"""Generates the machine code that CPython's JIT puts together: its stencils.

CPython's own program compiles each of the JIT's instructions with clang, and writes what came out
into a header. Only this takes clang: what compiles CPython takes the header. All of a platform's
suites share it, and it doesn't tell of the run that made it.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from toolchains.trees.unpack import extract
from tools.cpython import jit, layer
from tools.cpython.compile import Compilation, Recipe
from tools.cpython.workspace import BuildError, Toolchain, Workspace, available_jobs

# At the top of each header: a checksum of pyconfig.h and more, and the command with its paths.
_ABOUT = re.compile(r"\A(?://.*\n)+")


@dataclass(frozen=True)
class Clang:
    """The compiler of the stencils.

    Attributes:
        archive: tar of clang and llvm-readobj.
        version: their major version, such as "19".
    """

    archive: Path
    version: str

    def place(self, workspace: Workspace) -> None:
        """Unpacks it, and puts its programs on PATH."""
        root = workspace.root / "llvm"
        extract(self.archive, root)
        llvm = root / f"usr/lib/llvm-{self.version}"
        workspace.launcher(
            workspace.bin / "clang",
            llvm / "bin/clang",
            f"--sysroot={workspace.root}/sysroot",
            # Started by the archive's own loader, it can't find out by itself where it lies.
            "-no-canonical-prefixes",
            f"-resource-dir={llvm}/lib/clang/{self.version}",
        )
        workspace.launcher(workspace.bin / "llvm-readobj", llvm / "bin/llvm-readobj")


class JitRecipe(Recipe):
    """What to build, with the JIT."""

    @property
    def configure(self) -> tuple[str, ...]:
        """The options of a native configure."""
        return (*super().configure, jit.CONFIGURE)


class Generation(Compilation):
    """A compilation up to configure, and then the stencils."""

    def run(self) -> None:
        """Generates the stencils below `out`.

        Raises:
            BuildError: a step failed, or what came out names the work directory.
        """
        self.workspace.unpack_source(self.recipe.source)
        self._lay_out_build_python()
        self._configure()
        self._step(
            "regen-jit",
            "make",
            f"SHELL={self.workspace.bin}/sh",
            f"PYTHON_FOR_REGEN={self.python}",
            "regen-jit",
            PYTHON_CPU_COUNT=str(self.recipe.jobs),  # so many compilers run at once
        )
        collect(self.workspace.src, self.out)
        self._check_leaks()


def collect(source: Path, out: Path) -> None:
    """Moves what was generated in `source` to `out`, without what tells of the run.

    Raises:
        BuildError: there are no stencils.
    """
    out.mkdir()
    for path in source.glob(jit.GENERATED):
        made = path.rename(out / path.name)
        if made.suffix == ".h":
            made.write_text(_ABOUT.sub("", made.read_text()))
    if not (out / "jit_stencils.h").exists():
        raise BuildError("make regen-jit has generated no jit_stencils.h")


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--version", required=True, help="CPython's version")
    add("--source", type=Path, required=True, help="CPython source archive")
    add("--build-python", type=Path, required=True, help="interpreter of the same version")
    add("--config-site", type=Path, required=True, help="answers for configure")
    add("--cc", type=Path, required=True, help="tar of the compiler")
    add("--sysroot", type=Path, required=True, help="tar of the sysroot")
    add("--host", type=Path, required=True, help="tar of make, pkgconf, busybox")
    add("--triplet", required=True, help="the target's directory of libraries")
    add("--gnu", required=True, help="GNU triplet of the target")
    add("--gcc", required=True, help="major version of gcc")
    add("--llvm", type=Path, required=True, help="tar of clang and llvm-readobj")
    add("--clang", required=True, help="major version of clang")
    add("--epoch", type=int, required=True, help="what the build takes as the time")
    add("--jobs", type=int, default=available_jobs(), help="compilers that run at once")
    add("--work", type=Path, required=True, help="scratch directory")
    add("--out", type=Path, required=True, help="tar of headers to write")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    options = _parse(argv)
    toolchain = Toolchain(
        options.cc, options.sysroot, options.host, options.triplet, options.gcc, options.gnu
    )
    recipe = JitRecipe(
        version=options.version,
        source=options.source,
        build_python=options.build_python,
        config_site=options.config_site,
        cflags="",
        ldflags="",
        free_threaded=False,
        wheels=(),
        optimization="none",
        expected_missing=(),
        jobs=options.jobs,
    )
    try:
        with Workspace(options.work, toolchain, options.epoch) as workspace:
            Clang(options.llvm, options.clang).place(workspace)
            generation = Generation(workspace, recipe)
            generation.run()
            layer.write(generation.out, options.out, options.epoch)
    except BuildError as error:
        print(f"error: JIT of CPython {options.version}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
