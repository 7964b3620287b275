"""Cross-compiles CPython as compile.py does, optimised: by a profile, and when linking.

Apart from compile.py, so that a change compiles nothing again that isn't optimised.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tools.cpython import bridge, built_in, modules, profiles
from tools.cpython import compile as compilation
from tools.cpython.compile import Recipe
from tools.cpython.workspace import BuildError, Workspace

# Objects need ordinary code beside gcc's intermediate one where ar makes an index of them: in the
# archives modules are linked from. All others would be compiled twice for nothing. These are
# patterns of make.
_ARCHIVED = "Modules/_decimal/libmpdec/% Modules/_hacl/% Modules/expat/%"
# Installed, for others to link: intermediate code is for one gcc only, and names directories.
_INSTALLED = "%/python.o"
# Optimised by the linker or by -O3 it keeps less of its state in registers.
_EVAL_LOOP = "Python/ceval.o"
# Much code that is rarely executed: optimised when linking, it would be so twice, for nothing.
_RARELY_EXECUTED = "Modules/posixmodule.o Modules/socketmodule.o Python/Python-ast.o"
# By processor: where registers are few, what is the same in all rounds of the loop, or in several
# instructions (the address of their table), had better be made again than lie on the stack.
_EVAL_LOOP_FLAGS = {"x86_64": "-fno-move-loop-invariants -fno-gcse"}
# In place of the suite's -O2, as Debian compiles its own python. Functions are inlined early as by
# -O2, by which profiles are counted: they wouldn't fit others.
_LEVEL = "-O3 --param=early-inlining-insns=6"
# The linker compiles each program as one part, which configure has itself up to 3.13: it orders
# functions by the profile and inlines them across the whole.
_ONE_PART = "-flto-partition=none"
# What has 99.9 % of a profile's counts is optimised for speed, instead of 99 %. The evaluation loop
# alone has most of them, so that little of any other function, or of an extension module, is in
# gcc's 99 %. Only in the interpreter: it costs 20 CPU seconds and half a megabyte of code.
_HOT = "$(if $(filter python,$@),--param=hot-bb-count-ws-permille=999)"
# Leaves out what no debugger reads: views of the places of variables.
_DEBUGGING = "-gno-variable-location-views"


@dataclass(frozen=True)
class Optimization:
    """How to optimise.

    Attributes:
        lto: whether the linker optimises.
        profile: what training has counted (see profiles.py); no use of it if None.
        max_mismatched: how many of a thousand functions may not fit the profile.
        beyond: whether to go beyond docker-library's flags.
    """

    lto: bool
    profile: Path | None
    max_mismatched: int
    beyond: bool = True

    def configure(self) -> tuple[str, ...]:
        """The options of configure."""
        return (
            *(["--enable-optimizations"] if self.profile else []),
            *(["--with-lto"] if self.lto else []),
        )

    def cflags(self, alone: Collection[str], processor: str = "") -> str:
        """CFLAGS for CPython's own files, which sysconfig doesn't tell, in the language of make.

        Args:
            alone: objects that are linked with no other.
            processor: the first part of the target's GNU triplet.
        """
        flags = [_DEBUGGING]
        if self.beyond:
            loop_flags = _EVAL_LOOP_FLAGS.get(processor, "")
            flags.append(f"$(if $(filter {_EVAL_LOOP},$@),{loop_flags},{_LEVEL})")
        if self.profile:
            flags += ["$(PGO_PROF_USE_FLAG)", profiles.WARNINGS]
        else:
            # What configure adds with --enable-optimizations: calls within libpython are direct.
            flags.append("-fno-semantic-interposition")
        if self.lto:
            # gcc marks the sections with a random number, or with one made of this.
            flags.append("-frandom-seed=$@")
            flags.append(f"$(if $(filter {_ARCHIVED},$@),,-fno-fat-lto-objects)")
            # The linker would have nothing to optimise in a module of one object.
            loop = [_EVAL_LOOP] if self.beyond else []
            rare = [_RARELY_EXECUTED] if self.beyond else []
            apart = " ".join([_INSTALLED, *loop, *rare, *sorted(alone)])
            flags.append(f"$(if $(filter {apart},$@),-fno-lto)")
            # What is linked minutes later needn't be small.
            flags.append("-flto-compression-level=0")
        return " ".join(flags)

    def ldflags(self, jobs: int) -> str:
        """LDFLAGS_NODIST for link-time optimisation, which sysconfig doesn't tell, as `cflags`.

        Args:
            jobs: how many parts of a program are compiled at once, should it have several.
        """
        hot = [_HOT] if self.profile else []
        return f"LDFLAGS_NODIST={' '.join([f'-flto={jobs}', _ONE_PART, *hot, _DEBUGGING])}"


@dataclass(frozen=True)
class OptimizedRecipe(Recipe):
    """What to build, with further options of configure."""

    options: tuple[str, ...] = ()

    @property
    def configure(self) -> tuple[str, ...]:
        """The options of a native configure."""
        return (*super().configure, *self.options)


def with_options(recipe: Recipe, options: tuple[str, ...]) -> OptimizedRecipe:
    """The same recipe with further options of configure."""
    known = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    return OptimizedRecipe(**{**known, "options": (*known.get("options", ()), *options)})


def _value(makefile: str, name: str) -> str:
    """A variable of a Makefile, with the variables in it; "" if there is none."""
    found = re.search(rf"(?m)^{name}[ \t]*=(.*)$", makefile)
    text = found[1].strip() if found else ""
    return re.sub(r"\$\((\w+)\)", lambda match: _value(makefile, match[1]), text)


def goals(makefile: str) -> list[str]:
    """What `build_all` makes, the libraries and the interpreter first, which take longest.

    A program of CPython's own tests is left out, since it isn't installed.

    Args:
        makefile: a configured Makefile.

    Raises:
        BuildError: it has no such goal.
    """
    found = re.search(r"(?m)^build_all:((?:.*\\\n)*.*)$", makefile)
    if found is None:
        raise BuildError("CPython's Makefile has no build_all")
    words = found[1].replace("\\\n", " ").split()
    others = [word for word in words if word not in ("$(BUILDPYTHON)", "Programs/_testembed")]
    return [*_value(makefile, "LIBRARY_DEPS").split(), "python", *others]


class OptimizedCompilation(compilation.Compilation):
    """One build in a workspace; `run` does all of it."""

    optimization: ClassVar[Optimization]

    def __init__(self, workspace: Workspace, recipe: Recipe) -> None:
        super().__init__(workspace, with_options(recipe, self.optimization.configure()))
        self.use: profiles.Use | None = None
        self.names = bridge.Names(recipe.minor + recipe.abi)

    def _configure(self) -> None:
        built_in.write(self.workspace.src)
        super()._configure()

    def _make(self) -> None:
        makefile = (self.workspace.src / "Makefile").read_text()
        processor = self.workspace.toolchain.gnu.partition("-")[0]
        # Not `all`: that would be a second make, which doesn't expand the variables per object.
        flags = self.optimization.cflags(modules.alone(makefile), processor)
        cflags = f"CFLAGS_NODIST={flags}"
        # Only here: sysconfig and what is installed have the usual name.
        name = f"INSTSONAME={self.names.code}"
        if self.optimization.profile:
            self._make_by_profile(*self._words(), cflags, name, *goals(makefile))
            # Then `all`, which installing wants, finds nothing to do.
            (self.workspace.src / "profile-run-stamp").touch()
        else:
            self._run_make("make", *self._words(), cflags, name, *goals(makefile))
        self._install(*self._words())
        local = self.out / "usr/local"
        program = local / "bin" / f"python{self.names.version}"
        bridge.build(self.workspace, program, local / "lib", self.names, self.recipe.ldflags)

    def _words(self) -> tuple[str, ...]:
        """Variables of make that say how to link."""
        # What configure without --enable-shared has here. The interpreter then has libpython's
        # code in itself, where calls and thread-local variables cost less; the library stays for
        # what embeds Python, and bridge.py keeps both out of one process. docs/performance.md has
        # the figures. Only what is installed is linked so, not the program that tests embedding.
        # As docker-library: the executable must not find another libpython of the same version.
        program = f"{bridge.name_option(self.names)} -Wl,-rpath='$$ORIGIN/../lib'"
        return (
            f"LDFLAGS={self.recipe.ldflags}",
            *([self.optimization.ldflags(self.recipe.jobs)] if self.optimization.lto else []),
            f"PROGRAM={program}",  # make would take its commas for ones between arguments
            "LINK_PYTHON_OBJS=$(if $(filter python,$@),$(LIBRARY_OBJS) $(PROGRAM),$(BLDLIBRARY))",
            # Not the library, so that both are linked at once.
            "LINK_PYTHON_DEPS=$(LIBRARY_OBJS)",
        )

    def _make_by_profile(self, *argv: str) -> None:
        assert self.optimization.profile
        try:
            profiles.unpack(self.optimization.profile, self.workspace.src)
            output = self._run_make("make", *argv)
            self.use = profiles.examine(output, self.workspace.src)
            self.use.check(self.optimization.max_mismatched)
        except profiles.ProfileError as error:
            label = self.recipe.minor + self.recipe.abi
            raise BuildError(
                f"{error}\ntrain it again: ./bazelw run //tools:train -- {label}"
            ) from None

    def report(self) -> dict[str, object]:
        """Facts about the build, the same for every build of the same inputs."""
        return {
            **super().report(),
            "optimization": "full",
            "lto": self.optimization.lto,
            "interpreter": "has libpython linked in",
            "built_in": list(built_in.MODULES),
            "max_mismatched": self.optimization.max_mismatched,
            "profile": self.use.report() if self.use else None,
        }


def main(argv: list[str], build: type[OptimizedCompilation] = OptimizedCompilation) -> int:
    """The command line, compile.py's and some options more; returns the exit status.

    `build` is what compiles.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--lto", action="store_true", help="optimise when linking")
    parser.add_argument("--profile", type=Path, help="optimise by this profile")
    parser.add_argument("--max-mismatched", type=int, default=0, help="functions in 1000")
    known, others = parser.parse_known_args(argv)
    chosen = Optimization(known.lto, known.profile, known.max_mismatched)

    class Chosen(build):  # type: ignore[misc, valid-type]
        optimization = chosen

    return compilation.main(others, Chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
