"""Cross-compiles a CPython before 3.12 for musl: by clang, with modules that a setup.py builds."""

from __future__ import annotations

import sys

from tools.cpython import compile_musl
from tools.cpython.compile_musl import MuslCompilation
from tools.cpython.compile_setup_py import SetupPyCompilation


class MuslSetupPyCompilation(MuslCompilation, SetupPyCompilation):
    """One build in a workspace; `run` does all of it."""


if __name__ == "__main__":
    sys.exit(compile_musl.main(sys.argv[1:], MuslSetupPyCompilation))
