"""The directory a CPython build works in: compiler, sysroot, host tools and source, side by side.

    <root>/cc       the compiler (an unpacked toolchain archive)
    <root>/sysroot  headers and libraries of the target
    <root>/host     make, pkgconf and busybox, for the build machine
    <root>/bin      the only directory on PATH: every tool under its plain name
    <root>/src      the unpacked CPython source; built in place
    <root>/home     empty: $HOME and $TMPDIR

Nothing of the machine is on PATH. `sh` is busybox, which also has the usual small tools.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolchains.trees.unpack import extract

# Busybox has applets of these names too, but the compiler's programs are the ones to use.
_NOT_FROM_BUSYBOX = {"ar", "strings"}
_BINUTILS = ("ar", "as", "ld", "nm", "objcopy", "objdump", "ranlib", "readelf", "strip")
_GCC_TOOLS = ("gcc-ar", "gcc-nm", "gcc-ranlib")
_TAIL_LINES = 60


# More would hardly help: what runs one after the other takes most of the time then.
MAX_JOBS = 8


class BuildError(Exception):
    """A step of a build failed; the text says which and shows the end of its output."""


@dataclass(frozen=True)
class Toolchain:
    """The archives of one toolchain and the names inside them.

    Attributes:
        cc: tar of the compiler.
        sysroot: tar of the target's headers and libraries.
        host: tar of make, pkgconf and busybox.
        triplet: the target's name for directories of libraries, such as "i386-linux-gnu".
        gcc: major version of gcc, such as "12".
        gnu: its GNU triplet, such as "i686-linux-gnu"; most often the same.
    """

    cc: Path
    sysroot: Path
    host: Path
    triplet: str
    gcc: str
    gnu: str


def available_jobs() -> int:
    """How many compilers to run at once: one on each core that this process may use.

    It is asked when a build runs, and is no input of it: the bytes don't depend on it.
    """
    return min(len(os.sched_getaffinity(0)), MAX_JOBS)


def extract_source(archive: Path, into: Path) -> None:
    """Unpack what lies in an archive's only directory into the directory `into`.

    The files become ours: owners that the sandbox doesn't know would cost them their modes and
    their times, which make compares.
    """
    with tarfile.open(archive) as tar:
        members = []
        for member in tar:
            _, slash, rest = member.name.partition("/")
            if slash:
                member.name = rest
                if member.islnk():
                    member.linkname = member.linkname.partition("/")[2]
                members.append(member)
        tar.extractall(into, members, filter="data")


@contextmanager
def beside(task: Callable[[], object]) -> Iterator[None]:
    """Run a task in a process of its own, which has ended when the context has.

    Raises:
        BuildError: the task failed, which has printed why.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            task()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    try:
        yield
    finally:
        _, status = os.waitpid(child, 0)
    if status != 0:
        raise BuildError("a process that was started beside this one failed")


class Workspace:
    """A work directory with its tools in place; use as a context manager, which removes it."""

    def __init__(self, root: Path, toolchain: Toolchain, epoch: int) -> None:
        """Unpack the toolchain.

        Args:
            root: directory to create; an old one of that name is removed first.
            toolchain: the archives to unpack.
            epoch: seconds since 1970, what the build takes as the time.
        """
        self.root = root.absolute()
        self.toolchain = toolchain
        self.epoch = epoch
        self.bin = self.root / "bin"
        self.src = self.root / "src"
        self.log = self.root / "log"
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("bin", "home", "log"):
            (self.root / name).mkdir(parents=True)
        # The compiler takes as long as the other two.
        with beside(lambda: extract(toolchain.cc, self.root / "cc")):
            for name in ("sysroot", "host"):
                extract(getattr(toolchain, name), self.root / name)
        self._name_tools()

    def __enter__(self) -> Workspace:
        """The workspace itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the directory."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _name_tools(self) -> None:
        """Fill `bin`: compiler and binutils under native names, make, pkg-config and busybox."""
        gnu, version = self.toolchain.gnu, self.toolchain.gcc
        for tool in _BINUTILS:
            self._launch(tool, f"cc/usr/bin/{gnu}-{tool}")
        for tool in _GCC_TOOLS:
            self._launch(tool, f"cc/usr/bin/{gnu}-{tool}-{version}")
        gcc_dir = self._gcc_dir()
        flags = [
            f"--sysroot={self.root}/sysroot",
            f"-B{self.bin}/",
            f"-ffile-prefix-map={self.src}=.",
            # As if compiled in the image: there the sysroot is / and gcc is a native one.
            f"-ffile-prefix-map={self.root}/sysroot=",
            f"-ffile-prefix-map={gcc_dir}=/usr/lib/gcc/{gnu}/{version}",
            f"-ffile-prefix-map={self.root}/cc=",
        ]
        self._launch("gcc", f"cc/usr/bin/{gnu}-gcc-{version}", flags)
        self._launch("cpp", f"cc/usr/bin/{gnu}-cpp-{version}", flags)
        self._launch("make", "host/usr/bin/make")
        self._launch("pkg-config", "host/usr/bin/pkgconf")
        busybox = self.root / "host/usr/bin/busybox"
        listing = subprocess.run(
            [busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True, env={}
        )
        for applet in sorted(set(listing.stdout.split()) - _NOT_FROM_BUSYBOX):
            if not (self.bin / applet).exists():
                (self.bin / applet).symlink_to(os.path.relpath(busybox, self.bin))

    def _launch(self, name: str, program: str, flags: Sequence[str] = ()) -> None:
        """Make bin/<name> start `program` (relative to the root) with `flags` put first."""
        path = self.root / program
        if not path.exists():
            raise BuildError(f"the toolchain archives have no {program} (wanted as {name})")
        self.launcher(self.bin / name, f"%d/../{program}", *flags)

    def launcher(self, path: Path, *words: str | Path) -> None:
        """Make `path` start a program: the words are its path and its first arguments.

        In a word, %d stands for the launcher's directory and %s for its path.
        """
        # Any launcher of the archives will do as the program: they are all the same.
        shutil.copy2(self.root / "host/usr/bin/make", path)
        lines = "".join(f"{word}\n" for word in words)
        path.with_name(f"{path.name}.launch").write_text(lines)

    def _gcc_dir(self) -> Path:
        gnu, version = self.toolchain.gnu, self.toolchain.gcc
        for kind in ("gcc", "gcc-cross"):
            directory = self.root / "cc/usr/lib" / kind / gnu / version
            if directory.is_dir():
                return directory
        raise BuildError(f"the compiler archive has no gcc {version} for {gnu}")

    def environment(self) -> dict[str, str]:
        """The whole environment of every step."""
        sysroot, triplet = self.root / "sysroot", self.toolchain.triplet
        # pkgconf leaves these out of its answers, as it does with the system's when native.
        libraries = (f"{sysroot}/usr/lib/{triplet}", f"{sysroot}/usr/lib")
        includes = (f"{sysroot}/usr/include/{triplet}", f"{sysroot}/usr/include")
        return {
            "PATH": str(self.bin),
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "home"),
            "LC_ALL": "C",
            "TZ": "UTC",
            "SOURCE_DATE_EPOCH": str(self.epoch),
            "CONFIG_SHELL": str(self.bin / "sh"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "PKG_CONFIG_LIBDIR": f"{sysroot}/usr/lib/{triplet}/pkgconfig:"
            f"{sysroot}/usr/share/pkgconfig",
            "PKG_CONFIG_SYSROOT_DIR": str(sysroot),
            "PKG_CONFIG_SYSTEM_LIBRARY_PATH": ":".join(libraries),
            "PKG_CONFIG_SYSTEM_INCLUDE_PATH": ":".join(includes),
        }

    def unpack_source(self, archive: Path) -> None:
        """Unpack a source archive (tar, any compression) whose files lie in one directory."""
        extract_source(archive, self.src)

    def run(
        self,
        step: str,
        argv: Sequence[str | Path],
        extra: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> str:
        """Run one step of the build.

        Args:
            step: short name, for the log and messages.
            argv: command; the program is looked up in `bin` unless it is a path.
            extra: variables added to the environment.
            cwd: where to run it; the source directory if None.

        Returns:
            What it printed, standard error included.

        Raises:
            BuildError: it failed.
        """
        command = [str(arg) for arg in argv]
        if "/" not in command[0]:
            command[0] = str(self.bin / command[0])
        log = self.log / step
        with log.open("wb") as output:
            result = subprocess.run(
                command,
                cwd=cwd or self.src,
                env={**self.environment(), **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                umask=0o022,
                check=False,
            )
        text = log.read_text(errors="replace")
        if result.returncode != 0:
            tail = "\n".join(text.splitlines()[-_TAIL_LINES:])
            raise BuildError(
                f"{step} failed with exit code {result.returncode}: {shlex.join(command)}\n{tail}"
            )
        return text
