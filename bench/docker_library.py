"""Compiles CPython as docker-library's Dockerfile does: optimised by a profile of its own training.

The same source, compiler, flags and libraries as the build it is compared with. What differs is
what docker-library does otherwise: `make` trains, so the profile is this machine's, and nothing is
done for reproducibility. It takes half an hour of two cores, so the result is kept.

Programs of another platform can't train here. For those it is docker-library's compilation by the
profile in this repository, so that the kind of training isn't compared, but all else is.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.cpython import layer, train
from tools.cpython.compile import Recipe
from tools.cpython.compile_optimized import Optimization, OptimizedCompilation
from tools.cpython.workspace import BuildError, Toolchain, Workspace

# A change here compiles anew.
_FORMAT = 1


class InPlace(train.Training):
    """A compilation that trains first; `build` does all of it."""

    options = ("--enable-optimizations", "--with-lto")

    def build(self, phases: train.Phases) -> None:
        """Build and install below `out`.

        Raises:
            BuildError: a step failed.
        """
        self.train(phases)
        source, shell = self.workspace.src, f"SHELL={self.workspace.bin}/sh"
        with phases.phase("compile what is measured"):
            for name in ("python", "python.real", "python.launch"):
                (source / name).unlink()
            # What the Makefile does after its own training.
            self._step("clean", "make", shell, "clean-retain-profile")
            (source / "profile-run-stamp").touch()
            self._make()
        layer.prune(self.out / "usr/local")


class Crossed(OptimizedCompilation):
    """A compilation for another platform; `build` does all of it."""

    def build(self, phases: train.Phases) -> None:
        """Build and install below `out`.

        Raises:
            BuildError: a step failed.
        """
        with phases.phase("compile what is measured"):
            self.run()

    def _make(self) -> None:
        # OptimizedCompilation would link libpython in.
        cflags = f"CFLAGS_NODIST={self.optimization.cflags(())}"
        ldflags = f"LDFLAGS={self.recipe.ldflags}"
        parts = f"LDFLAGS_NODIST=-flto={self.recipe.jobs}"
        self._make_by_profile(ldflags, parts, cflags, "build_all")
        (self.workspace.src / "profile-run-stamp").touch()
        (self.workspace.src / "python").unlink()
        self._run_make("relink", f"{ldflags} -Wl,-rpath='$$ORIGIN/../lib'", parts, "python")
        self._install(parts)


def compilation(workspace: Workspace, recipe: Recipe, profile: Path | None) -> InPlace | Crossed:
    """What compiles as docker-library does: trained here, or by a profile."""
    if profile is None:
        return InPlace(workspace, recipe)

    class ByProfile(Crossed):
        # As for images: what doesn't fit is compiled as without.
        optimization = Optimization(lto=True, profile=profile, max_mismatched=10, beyond=False)

    return ByProfile(workspace, recipe)


def _recipe(files: Mapping[str, Path], facts: Mapping[str, Any], jobs: int) -> Recipe:
    return Recipe(
        version=facts["version"],
        source=files["source"],
        build_python=files["build-python"],
        config_site=files["config-site"],
        cflags=facts["cflags"],
        ldflags=facts["ldflags"],
        free_threaded=facts["free_threaded"],
        wheels=(),
        optimization="none",
        expected_missing=(),
        jobs=jobs,
    )


def key(files: Mapping[str, Path], facts: Mapping[str, Any]) -> str:
    """What names a result: a digest of all that goes into it."""
    digest = hashlib.sha256(json.dumps([_FORMAT, facts], sort_keys=True).encode())
    for name, path in sorted(files.items()):
        with path.open("rb") as stream:
            digest.update(f"{name} {hashlib.file_digest(stream, 'sha256').hexdigest()}".encode())
    return digest.hexdigest()[:16]


def cached(files: Mapping[str, Path], report: Mapping[str, Any]) -> Path:
    """A tar of usr/local, compiled if the cache hasn't it.

    Args:
        files: source, build-python, config-site, cc, sysroot and host, as train.py takes them;
            for another platform the profile, too.
        report: the report of the build to compare with, which has the compiler's flags.

    Raises:
        SystemExit: a step failed; the text says which.
    """
    names = ("version", "triplet", "gnu", "gcc", "cflags", "ldflags", "free_threaded", "epoch")
    facts = {name: report[name] for name in names}
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "python-images/bench"
    out = folder / f"docker-library-{facts['version']}-{key(files, facts)}.tar"
    if out.exists():
        return out
    print(f"no {out} yet: compiling as docker-library does", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    toolchain = Toolchain(
        files["cc"], files["sysroot"], files["host"], facts["triplet"], facts["gcc"], facts["gnu"]
    )
    recipe = _recipe(files, facts, len(os.sched_getaffinity(0)))
    try:
        with (
            tempfile.TemporaryDirectory(prefix="docker-library-") as scratch,
            Workspace(Path(scratch) / "work", toolchain, facts["epoch"]) as workspace,
        ):
            made = compilation(workspace, recipe, files.get("profile"))
            made.build(train.Phases(sys.stderr))
            part = out.with_suffix(".part")
            layer.write(made.out, part, facts["epoch"])
            part.rename(out)
    except BuildError as error:
        raise SystemExit(f"bench: compiling as docker-library does: {error}") from None
    return out
