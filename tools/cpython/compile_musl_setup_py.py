"""Cross-compiles a CPython before 3.12 for musl: by clang, with modules that a setup.py builds."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tools.cpython import compile_musl
from tools.cpython.compile_musl import MuslCompilation
from tools.cpython.compile_setup_py import SetupPyCompilation
from tools.cpython.workspace import BuildError

# What 3.10 and 3.11 get wrong where they are compiled for musl elsewhere than on it, or by clang.
# Script -> its text, there once -> what is there instead.
_MENDED = {
    "configure": {
        # The names of extension modules and sysconfig's data tell the C library: the target's.
        'case "$build_os" in\n  linux-musl*)': 'case "$host_os" in\n  linux-musl*)',
    },
    "setup.py": {
        # It asks gcc for its folders, or looks for --sysroot in CC. The folders given here are the
        # sysroot's already: setup_py.in_sysroot().
        "def sysroot_paths(make_vars, subdirs):\n": (
            "def sysroot_paths(make_vars, subdirs):\n    return list(subdirs)\n\n"
        ),
    },
}


def mended(name: str, text: str, texts: Mapping[str, str]) -> str:
    """The script `name`, whose text is `text`, with `texts` replaced.

    Raises:
        BuildError: one of them isn't there once, so the release differs from those that were tried.
    """
    for old, new in texts.items():
        if text.count(old) != 1:
            raise BuildError(
                f"{name} has {old!r} {text.count(old)} times, not once; see what it asks in this "
                "release, and change tools/cpython/compile_musl_setup_py.py"
            )
        text = text.replace(old, new)
    return text


class MuslSetupPyCompilation(MuslCompilation, SetupPyCompilation):
    """One build in a workspace; `run` does all of it."""

    def _configure(self) -> None:
        for name, texts in _MENDED.items():
            script = self.workspace.src / name
            script.write_text(mended(name, script.read_text(encoding="utf-8"), texts), "utf-8")
        super()._configure()


if __name__ == "__main__":
    sys.exit(compile_musl.main(sys.argv[1:], MuslSetupPyCompilation))
