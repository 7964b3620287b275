"""What of the JIT's generated files is kept, and what make and configure are told of a JIT."""

from __future__ import annotations

import dataclasses
import tarfile
from pathlib import Path

import pytest

from tools.cpython import compile_jit, compile_optimized, jit, layer, stencils
from tools.cpython.compile import Compilation, Recipe
from tools.cpython.workspace import BuildError

HEADER = "jit_stencils-aarch64-unknown-linux-gnu.h"
BODY = "\nvoid\nemit_shim(void)\n{\n    // 0: &_Py_Dealloc+0x0\n}\n"
ABOUT = "// 0123abcd\n// $ python3 /somewhere/src/Tools/jit/build.py aarch64 --output-dir .\n"
RECIPE = Recipe("3.14.7", Path("source"), None, Path("site"), "", "", "none", False, (), (), 1)


def generated(source: Path) -> None:
    source.mkdir()
    (source / "pyconfig.h").touch()
    (source / "jit_stencils.h").write_text(f'{ABOUT}#include "{HEADER}"\n')
    (source / HEADER).write_text(ABOUT + BODY)
    (source / "jit_shim-aarch64-unknown-linux-gnu.o").write_bytes(b"// \xff\n")


def test_comments_on_the_run_are_left_out(tmp_path: Path) -> None:
    generated(tmp_path / "src")
    stencils.collect(tmp_path / "src", tmp_path / "out")
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {
        "jit_stencils.h": f'#include "{HEADER}"\n'.encode(),
        HEADER: BODY.encode(),
        "jit_shim-aarch64-unknown-linux-gnu.o": b"// \xff\n",
    }


def test_nothing_generated_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with pytest.raises(BuildError, match=r"no jit_stencils\.h"):
        stencils.collect(tmp_path / "src", tmp_path / "out")


def test_make_finds_placed_files_newer_than_what_they_are_made_of(tmp_path: Path) -> None:
    generated(tmp_path / "src")
    stencils.collect(tmp_path / "src", tmp_path / "out")
    layer.write(tmp_path / "out", tmp_path / "stencils.tar", 1_000_000_000)
    with tarfile.open(tmp_path / "stencils.tar") as archive:
        assert {member.mtime for member in archive} == {1_000_000_000}
    jit.place(tmp_path / "stencils.tar", tmp_path / "src")
    made = (tmp_path / "src/pyconfig.h").stat().st_mtime_ns
    placed = [tmp_path / "src" / name for name in ("jit_stencils.h", HEADER, ".jit-stamp")]
    assert all(path.stat().st_mtime_ns >= made for path in placed)


@pytest.mark.parametrize(
    "build", [compile_optimized.OptimizedCompilation, compile_jit.JitCompilation]
)
def test_configure_is_told_of_a_jit(
    build: type[compile_optimized.OptimizedCompilation], monkeypatch: pytest.MonkeyPatch
) -> None:
    optimization = compile_optimized.Optimization(lto=True, profile=None, max_mismatched=0)
    recipes = []

    def keep(self: object, workspace: object, recipe: Recipe) -> None:
        recipes.append(recipe)
        self.recipe = recipe  # type: ignore[attr-defined]

    monkeypatch.setattr(Compilation, "__init__", keep)

    class Chosen(build):  # type: ignore[misc, valid-type]
        pass

    Chosen.optimization = optimization
    Chosen(None, RECIPE)
    wanted = build is compile_jit.JitCompilation
    assert ("--enable-experimental-jit=yes-off" in recipes[0].configure) is wanted
    assert "--with-lto" in recipes[0].configure


def test_the_header_is_made_for_the_same_configuration() -> None:
    known = {field.name: getattr(RECIPE, field.name) for field in dataclasses.fields(RECIPE)}
    assert stencils.JitRecipe(**known).configure == (*RECIPE.configure, jit.CONFIGURE)
