"""Trains a profile: compiles a CPython that counts, has it run CPython's own profile task.

    ./bazelw run //tools:train -- 3.14

This is the one place where a program of the target runs, so the target is the build machine's
platform. It isn't an action: what is counted differs a little from run to run. Builds only use
the result, which is checked in.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, TextIO

from tools.cpython import built_in, jit, profiles
from tools.cpython.compile import Compilation, Recipe
from tools.cpython.compile_optimized import with_options
from tools.cpython.workspace import BuildError, Toolchain, Workspace, available_jobs

INTERRUPTED = 130  # exit status, as a shell has it of what SIGINT ends
_BAR = 24
_COMPILED = re.compile(r"(?m)^gcc .* -c ")
_TESTS = re.compile(r"\[ *(\d+)/(\d+)[\]/]")
# What `make` compiles is about this much; the bar needs no more.
_OBJECTS = 330


class Phases:
    """Shows how far the training is: a bar on a terminal, elsewhere a line for every tenth."""

    INTERVAL = 1.0  # seconds from look to look

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()

    def _bar(self, name: str, share: float | None, seconds: float) -> None:
        filled = min(int((share or 0) * _BAR), _BAR)
        percent = "   " if share is None else f"{min(share, 1):3.0%}"
        bar = "#" * filled + "-" * (_BAR - filled)
        self._stream.write(f"\r[{bar}] {percent} {name} ({seconds:.0f} s)\x1b[K")
        self._stream.flush()

    def _line(self, name: str, share: float | None, seconds: float) -> None:
        self._stream.write(f"{name}: {min(share or 0, 1):.0%} after {seconds:.0f} s\n")
        self._stream.flush()

    @contextmanager
    def phase(self, name: str, done: Callable[[], float | None] = lambda: None) -> Iterator[None]:
        """Show `name` while the block runs.

        Args:
            name: what is done.
            done: how much of it, from 0 to 1; None if unknown.
        """
        start, ended = time.monotonic(), threading.Event()

        show = self._bar if self._terminal else self._line

        def draw() -> None:
            tenth = 0
            while not ended.wait(self.INTERVAL):
                share = done()
                before, tenth = tenth, min(int((share or 0) * 10), 10)
                if self._terminal or tenth > before:
                    show(name, share, time.monotonic() - start)

        drawing = threading.Thread(target=draw)
        if not self._terminal:
            self._stream.write(f"{name} ...\n")
            self._stream.flush()
        drawing.start()
        state = "failed"
        try:
            yield
            state = "done"
        finally:
            ended.set()
            drawing.join()
            if self._terminal:
                self._stream.write("\r\x1b[K")
            self._stream.write(f"{name}: {state} after {time.monotonic() - start:.0f} s\n")
            self._stream.flush()


def _compiled(log: Path) -> float | None:
    if not log.exists():
        return None
    return len(_COMPILED.findall(log.read_text(errors="replace"))) / _OBJECTS


def _tested(log: Path) -> float | None:
    found = _TESTS.findall(log.read_text(errors="replace")) if log.exists() else []
    return int(found[-1][0]) / int(found[-1][1]) if found else None


def make_startable(python: Path, libpython: Path, sysroot: Path, launcher: Path) -> list[str]:
    """Put a launcher before an interpreter for the build machine.

    The interpreter then starts with the sysroot's loader and libraries, also when its own tests
    start it again, and other programs don't get them.

    Args:
        python: the interpreter; it is renamed.
        libpython: the directory of its library.
        sysroot: the unpacked sysroot it was made for.
        launcher: the program of toolchains/trees/launcher.c.

    Returns:
        The command that starts it without the launcher, under another name.
    """
    real = python.rename(python.with_name(f"{python.name}.real"))
    shutil.copy2(launcher, python)
    (libc,) = sysroot.glob("usr/lib/*/libc.so.6")
    # /lib64/ld-linux-x86-64.so.2 on amd64, /lib/ld-linux.so.2 on i386.
    (loader,) = {*sysroot.glob("usr/lib64/ld-linux-*.so.2"), *sysroot.glob("usr/lib/ld-linux.so.2")}
    start = [str(loader), "--inhibit-cache", "--library-path", f"{libpython}:{libc.parent}"]
    lines = [*start, "--argv0", "%s", str(real)]
    python.with_name(f"{python.name}.launch").write_text("".join(line + "\n" for line in lines))
    return [*start, str(real)]


def profile_task(workspace: Workspace) -> list[str]:
    """The arguments CPython's Makefile trains the interpreter with.

    Raises:
        BuildError: the Makefile has none.
    """
    makefile = (workspace.src / "Makefile").read_text()
    values = dict(re.findall(r"(?m)^(PROFILE_TASK|TESTTIMEOUT)=[ \t]*(.*)$", makefile))
    if "PROFILE_TASK" not in values:
        raise BuildError("the Makefile has no PROFILE_TASK")
    task = values["PROFILE_TASK"].replace("$(TESTTIMEOUT)", values.get("TESTTIMEOUT", ""))
    # An empty --timeout= is how the Makefile says that there is none.
    return [word for word in shlex.split(task) if word != "--timeout="]


class Training(Compilation):
    """A compilation of what counts; `train` does all of it."""

    # Not --with-lto: counting happens before it.
    options: ClassVar[tuple[str, ...]] = ("--enable-optimizations",)

    def __init__(self, workspace: Workspace, recipe: Recipe, stencils: Path | None = None) -> None:
        options = [*self.options, *([jit.CONFIGURE] if stencils else [])]
        super().__init__(workspace, with_options(recipe, tuple(options)))
        self._stencils = stencils

    def _configure(self) -> None:
        super()._configure()
        if self._stencils:
            jit.place(self._stencils, self.workspace.src)

    def train(self, phases: Phases) -> list[str]:
        """Leave .gcda files in the workspace's source directory; return the task's arguments.

        Raises:
            BuildError: a step failed.
        """
        workspace = self.workspace
        with phases.phase("configure"):
            workspace.unpack_source(self.recipe.source)
            self._lay_out_build_python()
            built_in.write(workspace.src)
            self._configure()
        with phases.phase("compile what counts", lambda: _compiled(workspace.log / "make")):
            self._step(
                "make",
                "make",
                f"-j{self.recipe.jobs}",
                f"SHELL={workspace.bin}/sh",
                f"EXTRA_CFLAGS={self.recipe.cflags}",
                f"LDFLAGS={self.recipe.ldflags}",
                "profile-gen-stamp",
            )
        # Compiling has counted nothing: no program of the target has run.
        python, task = workspace.src / "python", profile_task(workspace)
        # Any launcher will do: they are all the same.
        launcher = workspace.root / "host/usr/bin/make"
        make_startable(python, workspace.src, workspace.root / "sysroot", launcher)
        # A background job of a shell ignores SIGINT, and so would the tests of it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with phases.phase("profile task", lambda: _tested(workspace.log / "train")):
            workspace.run("train", [python, *task])
        return task


def write(compilation: Compilation, task: list[str], out: Path) -> None:
    """Pack the profile to `out`, and beside it what it was made of and how."""
    count = profiles.pack(compilation.workspace.src, out)
    compiler = compilation.workspace.run("gcc-version", ["gcc", "--version"]).splitlines()[0]
    machine = subprocess.run(["/bin/uname", "-srm"], stdout=subprocess.PIPE, text=True, check=False)
    provenance = {
        "version": compilation.recipe.version,
        "compiler": compiler,
        "triplet": compilation.workspace.toolchain.triplet,
        "cflags": compilation.recipe.cflags,
        "task": shlex.join(task),
        "host": machine.stdout.strip(),
        "files": count,
    }
    text = json.dumps(provenance, indent=2) + "\n"
    out.with_name(out.name.removesuffix(".tar.xz") + ".json").write_text(text)


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
    add("--cflags", default="", help="EXTRA_CFLAGS for make")
    add("--ldflags", default="", help="LDFLAGS for make")
    add("--free-threaded", action="store_true", help="build without the GIL")
    add("--stencils", type=Path, help="of its JIT: what stencils.py has written")
    add("--expected-missing", action="append", default=[], help="module configure may skip")
    add("--epoch", type=int, required=True, help="what the build takes as the time")
    add("--jobs", type=int, default=available_jobs())
    add("--out", type=Path, required=True, help="profile to write, <name>.tar.xz")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    options = _parse(argv)
    toolchain = Toolchain(
        options.cc, options.sysroot, options.host, options.triplet, options.gcc, options.gnu
    )
    recipe = Recipe(
        version=options.version,
        source=options.source,
        build_python=options.build_python,
        config_site=options.config_site,
        cflags=options.cflags,
        ldflags=options.ldflags,
        free_threaded=options.free_threaded,
        wheels=(),
        optimization="none",
        expected_missing=tuple(options.expected_missing),
        jobs=options.jobs,
    )
    try:
        with (
            tempfile.TemporaryDirectory(prefix="train-") as scratch,
            Workspace(Path(scratch) / "work", toolchain, options.epoch) as workspace,
        ):
            compilation = Training(workspace, recipe, options.stencils)
            task = compilation.train(Phases(sys.stderr))
            write(compilation, task, options.out)
    except (BuildError, profiles.ProfileError) as error:
        print(f"error: training CPython {options.version}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted: {options.out} is not written", file=sys.stderr)
        return INTERRUPTED
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
