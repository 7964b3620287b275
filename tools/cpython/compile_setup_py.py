"""Cross-compiles a CPython before 3.12, whose extension modules a setup.py builds.

All else is as in compile.py. setup.py is run by the build python and told by environment variables
of the Makefile that it cross-compiles. It looks for libraries below /usr, so it is pointed at the
sysroot first; it goes on without what it doesn't find or can't compile, so its summary is read.
"""

from __future__ import annotations

import sys

from tools.cpython import compile as compilation
from tools.cpython import modules, setup_py
from tools.cpython.workspace import BuildError

# configure takes --with-build-python from this minor version on.
_WITH_BUILD_PYTHON = (3, 11)


class SetupPyCompilation(compilation.Compilation):
    """One build in a workspace; `run` does all of it."""

    def _configure(self) -> None:
        # Tools have native names here, so that sysconfig tells these; a check of configure's takes
        # a readelf without prefix for the build machine's. It's gone since 3.12.
        script = self.workspace.src / "configure"
        text = script.read_text(encoding="utf-8")
        script.write_text(text.replace("\treadelf|:)\n", "\t:)\n"), encoding="utf-8")
        super()._configure()

    def _build_python_options(self) -> list[str]:
        if tuple(map(int, self.recipe.minor.split("."))) >= _WITH_BUILD_PYTHON:
            return super()._build_python_options()
        # Earlier ones look for python3.X on PATH.
        (self.workspace.bin / self.python.name).symlink_to(self.python)
        return []

    def _find_modules(self) -> None:
        script = self.workspace.src / "setup.py"
        text = script.read_text(encoding="utf-8")
        sysroot = f"{self.workspace.root}/sysroot"
        script.write_text(setup_py.in_sysroot(text, sysroot), encoding="utf-8")

    def _install_pip(self) -> None:
        # In what looks like a build directory, pip has scripts started by sysconfig's `python3.X`
        # if the build machine has one there, too, and by `python` if not; elsewhere by the one that
        # install_pip.py names.
        (self.native / "Modules/Setup.local").unlink(missing_ok=True)
        super()._install_pip()

    def _make(self) -> None:
        super()._make()
        missing = setup_py.not_built((self.workspace.log / "make").read_text(errors="replace"))
        try:
            setup_py.check(missing, self.recipe.expected_missing)
        except modules.ModulesError as error:
            raise BuildError(str(error)) from None
        library = self.out / "usr/local/lib" / f"python{self.recipe.minor}/lib-dynload"
        built = {path.name.partition(".")[0]: "yes" for path in library.glob("*.so")}
        self.states = dict(sorted({**dict.fromkeys(missing, "missing"), **built}.items()))


if __name__ == "__main__":
    sys.exit(compilation.main(sys.argv[1:], SetupPyCompilation))
