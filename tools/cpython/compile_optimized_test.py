"""What make is told when CPython is optimised."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tools.cpython import compile_optimized
from tools.cpython.workspace import BuildError

MAKEFILE = """\
VERSION=\t3.13
LIBRARY=\tlibpython$(VERSION)$(ABIFLAGS).a
LDLIBRARY=      libpython$(LDVERSION).so
LDVERSION=      $(VERSION)$(ABIFLAGS)
PY3LIBRARY=      libpython3.so
LIBRARY_DEPS=\t$(LIBRARY) $(LDLIBRARY) $(PY3LIBRARY) $(EXPORTSYMS)
ABIFLAGS=t
all:\t\tprofile-opt

build_all:\tcheck-clean-src $(BUILDPYTHON) platform sharedmods \\
\t\tgdbhooks Programs/_testembed scripts

build_wasm: check-clean-src
"""


def test_goals_are_those_of_build_all() -> None:
    assert compile_optimized.goals(MAKEFILE) == [
        "libpython3.13t.a",
        "libpython3.13t.so",
        "libpython3.so",
        "python",
        "check-clean-src",
        "platform",
        "sharedmods",
        "gdbhooks",
        "scripts",
    ]


def test_goals_of_no_makefile_of_cpython() -> None:
    with pytest.raises(BuildError, match="no build_all"):
        compile_optimized.goals("all: x\n")


def test_objects_are_compiled_without_lto_where_nothing_is_gained() -> None:
    optimization = compile_optimized.Optimization(lto=True, profile=None, max_mismatched=0)
    flags = optimization.cflags({"Modules/math.o", "Modules/_json.o"})
    rare = "Modules/posixmodule.o Modules/socketmodule.o Python/Python-ast.o"
    apart = f"%/python.o Python/ceval.o {rare} Modules/_json.o Modules/math.o"
    assert f"$(if $(filter {apart},$@),-fno-lto)" in flags
    plain = compile_optimized.Optimization(lto=False, profile=None, max_mismatched=0)
    assert "lto" not in plain.cflags({"Modules/math.o"})


def test_all_but_the_evaluation_loop_is_optimised_more_than_by_the_suite_s_flags() -> None:
    optimization = compile_optimized.Optimization(lto=True, profile=None, max_mismatched=0)
    expected = "$(if $(filter Python/ceval.o,$@),,-O3 --param=early-inlining-insns=6)"
    assert expected in optimization.cflags(())
    loop = optimization.cflags((), "x86_64")
    assert "$(if $(filter Python/ceval.o,$@),-fno-move-loop-invariants -fno-gcse,-O3" in loop
    usual = dataclasses.replace(optimization, beyond=False).cflags(())
    assert "-O3" not in usual
    assert "ceval" not in usual


def test_programs_are_linked_as_one_part_and_only_the_interpreter_has_more_hot_code() -> None:
    trained = compile_optimized.Optimization(lto=True, profile=Path("x"), max_mismatched=0)
    assert trained.ldflags(4) == (
        "LDFLAGS_NODIST=-flto=4 -flto-partition=none "
        "$(if $(filter python,$@),--param=hot-bb-count-ws-permille=999) "
        "-gno-variable-location-views"
    )
    untrained = dataclasses.replace(trained, profile=None)
    assert "hot-bb" not in untrained.ldflags(4)
