"""Cross-compiles CPython as compile_optimized.py does, with a JIT that is off by default.

Apart from it, so that a change compiles nothing again that has no JIT.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import ClassVar

from tools.cpython import compile_optimized, jit
from tools.cpython.compile import Recipe
from tools.cpython.compile_optimized import OptimizedCompilation, with_options
from tools.cpython.workspace import Workspace


class JitCompilation(OptimizedCompilation):
    """One build in a workspace; `run` does all of it."""

    stencils: ClassVar[Path]

    def __init__(self, workspace: Workspace, recipe: Recipe) -> None:
        super().__init__(workspace, with_options(recipe, (jit.CONFIGURE,)))

    def _configure(self) -> None:
        super()._configure()
        jit.place(self.stencils, self.workspace.src)

    def report(self) -> dict[str, object]:
        """Facts about the build, the same for every build of the same inputs."""
        return {**super().report(), "jit": "off by default"}


def main(argv: list[str]) -> int:
    """The command line, compile_optimized.py's and one option more; returns the exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--stencils", type=Path, required=True, help="what stencils.py has written")
    known, others = parser.parse_known_args(argv)

    class Chosen(JitCompilation):
        stencils = known.stencils

    return compile_optimized.main(others, Chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
