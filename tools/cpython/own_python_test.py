"""The interpreter of the tools as the build python of a compilation."""

from __future__ import annotations

import dataclasses
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cpython.compile import Compilation, Recipe
from tools.cpython.workspace import BuildError, Toolchain, Workspace

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
RECIPE = Recipe(
    version=f"{MINOR}.0",
    source=Path("none"),
    build_python=None,
    config_site=Path("none"),
    cflags="",
    ldflags="",
    optimization="none",
    free_threaded=False,
    wheels=(),
    expected_missing=(),
    jobs=1,
)
# What pip and CPython's generators need, of C and of the source's library.
PROGRAM = "import _contextvars, _hashlib, _queue, os, sys, zlib; print(sys.prefix, os.__file__)"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    cc, sysroot, host = (Path(os.environ[name]) for name in ("CC", "SYSROOT", "HOST"))
    triplet = "x86_64-linux-gnu"
    toolchain = Toolchain(cc, sysroot, host, triplet, os.environ["GCC"], triplet)
    with Workspace(tmp_path / "work", toolchain, 0) as made:
        # The library of this very interpreter, in place of a source's.
        (library,) = [path for path in sys.path if path.endswith(".zip")]
        with zipfile.ZipFile(library) as archive:
            archive.extractall(made.src / "Lib")
        yield made


def test_it_starts_with_the_library_of_the_source(workspace: Workspace) -> None:
    compilation = Compilation(workspace, RECIPE)
    compilation._lay_out_build_python()
    output = workspace.run("python", [compilation.python, "-c", PROGRAM])
    home = workspace.root / "build-python"
    assert output.split() == [str(home), str(home / f"lib/python{MINOR}/os.py")]


def test_nothing_of_the_machine_is_imported(workspace: Workspace) -> None:
    compilation = Compilation(workspace, RECIPE)
    compilation._lay_out_build_python()
    program = "import sys; print(*sys.path[1:])"
    output = workspace.run("python", [compilation.python, "-c", program])
    assert [path for path in output.split() if not path.startswith(str(workspace.root))] == []


def test_another_minor_version_needs_its_own(workspace: Workspace) -> None:
    recipe = dataclasses.replace(RECIPE, version="3.99.1")
    with pytest.raises(BuildError, match=rf"Python {MINOR} can't build 3\.99: --build-python"):
        Compilation(workspace, recipe)._lay_out_build_python()
