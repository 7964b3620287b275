"""Cross-compiles CPython as docker-library configures it, into a tar of /usr/local.

Every platform is built the same way, the build machine's own included: configure is told that it
cross-compiles, so no program of the target ever runs. What configure can't find out that way is
in config.site.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.cpython import answers, layer, modules, normalize
from tools.cpython.workspace import BuildError, Toolchain, Workspace, available_jobs

OPTIMIZATIONS = ("none",)

# Any name that differs from the target's makes configure cross-compile.
_BUILD_TRIPLET = "x86_64-build-linux-gnu"
_CONFIGURE = (
    "--enable-loadable-sqlite-extensions",
    "--enable-option-checking=fatal",
    "--enable-shared",
    "--with-ensurepip",
)


@dataclass(frozen=True)
class Recipe:
    """What to build, besides the toolchain.

    Attributes:
        version: full version of CPython, such as "3.13.15".
        source: its source archive.
        build_python: an interpreter of the same version that runs on the build machine; None for
            the one that runs this program, whose minor version is the same.
        config_site: answers for configure.
        cflags: EXTRA_CFLAGS for make.
        ldflags: LDFLAGS for make.
        optimization: one of OPTIMIZATIONS.
        free_threaded: whether to build without the global interpreter lock (3.13 and later).
        wheels: what is installed beside pip (before 3.12: setuptools and wheel).
        expected_missing: modules configure may skip.
        jobs: how many compilers run at once.
    """

    version: str
    source: Path
    build_python: Path | None
    config_site: Path
    cflags: str
    ldflags: str
    optimization: str
    free_threaded: bool
    wheels: tuple[Path, ...]
    expected_missing: tuple[str, ...]
    jobs: int

    @property
    def minor(self) -> str:
        """The version's first two numbers."""
        return ".".join(self.version.split(".")[:2])

    @property
    def abi(self) -> str:
        """What directories and libraries have after the minor version: "t" or nothing."""
        return "t" if self.free_threaded else ""

    @property
    def configure(self) -> tuple[str, ...]:
        """The options of a native configure."""
        return (*(["--disable-gil"] if self.free_threaded else []), *_CONFIGURE)


class Compilation:
    """One build in a workspace; `run` does all of it."""

    def __init__(self, workspace: Workspace, recipe: Recipe) -> None:
        self.workspace = workspace
        self.recipe = recipe
        self.triplet = workspace.toolchain.triplet
        self.python = workspace.root / "build-python/bin" / f"python{recipe.minor}"
        self.out = workspace.root / "out"
        self.native = workspace.root / "native"  # where the native sysconfig data is made
        self.site = workspace.root / "config.site"
        self.states: dict[str, str] = {}

    def run(self) -> None:
        """Build and install below `out`.

        Raises:
            BuildError: a step failed, a module is missing, or the result names the work directory.
        """
        self.workspace.unpack_source(self.recipe.source)
        self._lay_out_build_python()
        self._configure()
        self._make()
        self._normalize()
        self._install_pip()
        layer.prune(self.out / "usr/local")
        self._check_leaks()

    def _lay_out_build_python(self) -> None:
        self.python.parent.mkdir(parents=True)
        # Without it an interpreter looks for modules where it was configured for, on the machine.
        modules = self.workspace.src / "Lib/lib-dynload"
        if self.recipe.build_python:
            shutil.copy2(self.recipe.build_python, self.python)
            modules.mkdir()
        else:
            modules.symlink_to(self._launch_own_python())
        library = self.workspace.root / "build-python/lib"
        library.mkdir()
        (library / f"python{self.recipe.minor}{self.recipe.abi}").symlink_to("../../src/Lib")

    def _launch_own_python(self) -> Path:
        """Has the build python be this program's, with the standard library of the source.

        Returns:
            The directory of its extension modules.

        Raises:
            BuildError: it is of another minor version.
        """
        running = ".".join(map(str, sys.version_info[:2]))
        if running != self.recipe.minor:
            raise BuildError(f"Python {running} can't build {self.recipe.minor}: --build-python")
        # As toolchains/python/launcher.sh starts it, from the directory of the launcher's bin.
        root = Path(sys.executable).absolute().parents[1]
        libraries = root / "lib"
        loader = libraries / "ld-linux-x86-64.so.2"
        options = ("--inhibit-cache", "--argv0", "%s", "--library-path", libraries)
        self.workspace.launcher(self.python, loader, *options, root / "libexec/python")
        return libraries / f"python{running}/lib-dynload"

    def _step(self, step: str, *argv: str | Path, **extra: str) -> str:
        environment = {
            "CONFIG_SITE": str(self.site),
            # The stdlib of the build python is the source's: its byte code must not end there.
            "PYTHONPYCACHEPREFIX": str(self.workspace.root / "home/pycache"),
            **extra,
        }
        return self.workspace.run(step, argv, environment)

    def _configure(self) -> None:
        given = self.recipe.config_site.absolute()
        self.site.write_text(answers.site(answers.find(self.workspace), given))
        self._step(
            "configure",
            "sh",
            "./configure",
            f"--build={_BUILD_TRIPLET}",
            f"--host={self.workspace.toolchain.gnu}",
            *self._build_python_options(),
            *self.recipe.configure,
            # The tools have native names, so that these are what sysconfig tells.
            "CC=gcc",
            "CXX=g++",
            "READELF=readelf",
            # A plain `ar` would be busybox's: its shell prefers its own commands.
            f"AR={self.workspace.bin}/ar",
            # configure doesn't know busybox's mkdir for a good one.
            MKDIR_P=f"{self.workspace.bin}/mkdir -p",
        )
        self._find_modules()

    def _build_python_options(self) -> list[str]:
        """How configure is told of the build python."""
        return [f"--with-build-python={self.python}"]

    def _find_modules(self) -> None:
        """Take from configure what it decided on extension modules."""
        self.states = modules.states((self.workspace.src / "Makefile").read_text())
        try:
            modules.check(self.states, self.recipe.expected_missing)
        except modules.ModulesError as error:
            raise BuildError(str(error)) from None

    def _make(self) -> None:
        ldflags = f"LDFLAGS={self.recipe.ldflags}"
        self._run_make("make", ldflags)
        # As docker-library: the executable must not find another libpython of the same version.
        (self.workspace.src / "python").unlink()
        self._run_make("relink", f"{ldflags} -Wl,-rpath='$$ORIGIN/../lib'", "python")
        self._install()

    def _run_make(self, step: str, *argv: str) -> str:
        return self._step(
            step,
            "make",
            f"-j{self.recipe.jobs}",
            f"SHELL={self.workspace.bin}/sh",
            f"EXTRA_CFLAGS={self.recipe.cflags}",
            *argv,
        )

    def _install(self, *argv: str) -> None:
        tests = layer.kept_tests((self.workspace.src / "Makefile").read_text())
        options = (
            f"DESTDIR={self.out}",
            "ENSUREPIP=no",
            # What layer.prune removes needn't be there: byte code, which -h stops, and tests, which
            # are two thirds of the standard library's files.
            "COMPILEALL_OPTS=-h",
            f"TESTSUBDIRS={' '.join(tests)}",
        )
        self._run_make("install", *argv, "install", *options)

    def _normalize(self) -> None:
        workspace, source = self.workspace, self.workspace.src
        paths = normalize.Paths(str(source), f"{workspace.root}/sysroot", str(workspace.bin))
        try:
            makefile = normalize.native_makefile(
                (source / "Makefile").read_text(), paths, workspace.toolchain.gnu
            )
        except normalize.NormalizeError as error:
            raise BuildError(str(error)) from None
        # Enough of a build directory for CPython's sysconfig to take it for one.
        (self.native / "Modules").mkdir(parents=True)
        (self.native / "Modules/Setup.local").touch()
        (self.native / "Makefile").write_text(makefile)
        shutil.copy2(source / "pyconfig.h", self.native)
        minor = self.recipe.minor + self.recipe.abi
        library = self.out / "usr/local/lib" / f"python{minor}"
        (installed,) = library.glob("_sysconfigdata_*.py")
        workspace.run(
            "sysconfig",
            [self.python, "-S", "-m", "sysconfig", "--generate-posix-vars"],
            {
                "HOME": "/root",  # the user of the image, and of a build in it
                "_PYTHON_PROJECT_BASE": str(self.native),
                "_PYTHON_SYSCONFIGDATA_NAME": installed.stem,
            },
            self.native,
        )
        made = self.native / (self.native / "pybuilddir.txt").read_text()
        prefix = str(workspace.root / "build-python")
        for path in made.iterdir():
            (library / path.name).write_text(normalize.native_prefix(path.read_text(), prefix))
        details = library / "build-details.json"  # CPython 3.14 and later
        if details.exists():
            details.write_text(normalize.native_details(details.read_text(), prefix))
        (library / f"config-{minor}-{self.triplet}/Makefile").write_text(makefile)

    def _install_pip(self) -> None:
        (wheel,) = (self.workspace.src / "Lib/ensurepip/_bundled").glob("pip-*.whl")
        (data,) = self.native.rglob("_sysconfigdata_*.py")
        self._step(
            "pip",
            self.python,
            "-s",
            Path(__file__).with_name("install_pip.py").absolute(),
            wheel,
            self.out,
            "/usr/local",
            *(other.absolute() for other in self.recipe.wheels),
            PYTHONPATH=str(data.parent),
            _PYTHON_PROJECT_BASE=str(self.native),
            _PYTHON_SYSCONFIGDATA_NAME=data.stem,
        )

    def _check_leaks(self) -> None:
        needles = {str(self.workspace.root), str(Path.cwd()), "/execroot/", "bazel-out/"}
        # Some workers start an action in the root of its file system: that says nothing.
        leaks = normalize.find_leaks(self.out, sorted(needles - {"/"}))
        if leaks:
            raise BuildError("the result names the build directory:\n  " + "\n  ".join(leaks))

    def report(self) -> dict[str, object]:
        """Facts about the build, the same for every build of the same inputs."""
        toolchain = self.workspace.toolchain
        compiler = self.workspace.run("gcc-version", ["gcc", "--version"]).splitlines()[0]
        (wheel,) = (self.workspace.src / "Lib/ensurepip/_bundled").glob("pip-*.whl")
        return {
            "version": self.recipe.version,
            "triplet": toolchain.triplet,
            "gnu": toolchain.gnu,
            "compiler": compiler,
            "gcc": toolchain.gcc,
            "pip": wheel.name.split("-")[1],
            "optimization": self.recipe.optimization,
            "free_threaded": self.recipe.free_threaded,
            "configure": list(self.recipe.configure),
            "cflags": self.recipe.cflags,
            "ldflags": self.recipe.ldflags,
            "epoch": self.workspace.epoch,
            "modules": self.states,
        }


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--version", required=True, help="CPython's version")
    add("--label", required=True, help="what messages call this build")
    add("--source", type=Path, required=True, help="CPython source archive")
    add("--build-python", type=Path, help="interpreter of the same version; default: this one")
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
    add("--wheel", action="append", default=[], type=Path, help="wheel to install beside pip")
    add("--optimization", choices=OPTIMIZATIONS, default="none")
    add("--expected-missing", action="append", default=[], help="module configure may skip")
    add("--epoch", type=int, required=True, help="what the build takes as the time")
    add("--jobs", type=int, default=available_jobs(), help="compilers that run at once")
    add("--work", type=Path, required=True, help="scratch directory")
    add("--out", type=Path, required=True, help="tar to write")
    add("--report", type=Path, required=True, help="JSON to write")
    add("--gdb", type=Path, required=True, help="where CPython's extension for gdb goes")
    return parser.parse_args(argv)


def main(argv: list[str], build: type[Compilation] = Compilation) -> int:
    """The command line; returns the exit status. `build` is what compiles."""
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
        optimization=options.optimization,
        free_threaded=options.free_threaded,
        wheels=tuple(options.wheel),
        expected_missing=tuple(options.expected_missing),
        jobs=options.jobs,
    )
    try:
        with Workspace(options.work, toolchain, options.epoch) as workspace:
            compilation = build(workspace, recipe)
            compilation.run()
            layer.write(compilation.out, options.out, options.epoch)
            options.report.write_text(json.dumps(compilation.report(), indent=1) + "\n")
            shutil.copyfile(workspace.src / "Tools/gdb/libpython.py", options.gdb)
    except BuildError as error:
        print(f"error: CPython {options.label}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
