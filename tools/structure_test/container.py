"""Runs one command in an image's root: own mounts, processes, network and host name, no daemon."""

import contextlib
import errno
import os
import signal
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tools.structure_test import linux

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "ptmx": "pts/ptmx",
    "stderr": "/proc/self/fd/2",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
}


# A bind mount: absolute source, absolute path in the container, whether it is read-only.
Mount = tuple[str, str, bool]


class SetupError(Exception):
    """The container could not be set up here: the host's fault, not the image's."""


class StartError(Exception):
    """The command could not be started: `code` is exec's errno."""

    def __init__(self, code: int, command: str) -> None:
        super().__init__(f"exec {command!r}: {os.strerror(code)}")
        self.code = code


@dataclass(frozen=True)
class Process:
    """What to run: argv, environment, working directory, bind mounts."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str = "/"
    mounts: Sequence[Mount] = ()


class Container:
    """A writable view of `lowers` (directories, lowest first); its changes are in `upper`."""

    def __init__(self, directory: Path, lowers: Sequence[Path], hostname: str) -> None:
        self.upper = directory / "upper"
        self._work = directory / "work"
        self._merged = directory / "merged"
        self._lowers = lowers
        self.hostname = hostname
        self.stdout, self.stderr = directory / "stdout", directory / "stderr"
        for path in (directory, self.upper, self._work, self._merged):
            path.mkdir()
        self._pid = 0
        self._status: int | None = None

    def start(self, process: Process) -> None:
        """Starts the command. SetupError or StartError when it does not get as far as exec."""
        read_end, write_end = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os.close(read_end)
            self._child(process, write_end)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as pipe:
            message = pipe.read().decode()
        if message:
            self.wait()
            kind, _, text = message.partition(":")
            if kind == "exec":
                raise StartError(int(text), process.argv[0])
            raise SetupError(text)

    @property
    def started(self) -> bool:
        """Whether a command has run, or tried to, in here."""
        return self._pid != 0

    def wait(self) -> int:
        """The command's exit status, 128 + signal number if a signal ended it."""
        if self._status is None:
            if not self._pid:
                raise SetupError("the container was never started")
            code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            self._status = code if code >= 0 else 128 - code
        return self._status

    def kill(self) -> None:
        """Ends a container that still runs."""
        if self._pid and self._status is None:
            os.kill(self._pid, signal.SIGKILL)
            self.wait()

    def _child(self, process: Process, pipe: int) -> NoReturn:
        """The fork's two processes: one makes the namespaces and waits, its child is pid 1."""
        try:
            linux.die_with_parent(signal.SIGKILL)
            linux.unshare(
                linux.CLONE_NEWNS
                | linux.CLONE_NEWPID
                | linux.CLONE_NEWNET
                | linux.CLONE_NEWIPC
                | linux.CLONE_NEWUTS
            )
            init = os.fork()
            if init:
                os.close(pipe)
                code = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
                if code < 0:  # end the same way, so that the waiter sees the signal
                    os._exit(128 - code)
                os._exit(code)
            linux.die_with_parent(signal.SIGKILL)
            self._mounts(process)
            self._exec(process, pipe)
        except OSError as error:
            os.write(pipe, f"setup:{error.strerror or error}".encode())
        except BaseException:
            os.write(pipe, f"setup:{traceback.format_exc()}".encode())
        finally:
            os._exit(125)

    def _exec(self, process: Process, pipe: int) -> None:
        stdin = os.open("/dev/null", os.O_RDONLY)
        os.dup2(stdin, 0)
        os.dup2(self._out, 1)
        os.dup2(self._err, 2)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.umask(0o022)
        Path(process.cwd).mkdir(parents=True, exist_ok=True)
        os.chdir(process.cwd)
        try:
            os.execvpe(process.argv[0], list(process.argv), dict(process.env))  # noqa: S606
        except OSError as error:
            os.write(pipe, f"exec:{error.errno or errno.EINVAL}".encode())

    def _mounts(self, process: Process) -> None:
        """Mounts the root and what every container has, and makes it this process's root."""
        self._out = os.open(self.stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._err = os.open(self.stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        merged = self._merged
        lowers = ":".join(str(path) for path in reversed(self._lowers))
        linux.mount(
            "overlay",
            merged,
            "overlay",
            data=f"lowerdir={lowers},upperdir={self.upper},workdir={self._work},userxattr",
        )
        for name in ("dev", "proc", "sys"):
            (merged / name).mkdir(exist_ok=True)
        guarded = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
        linux.mount("proc", merged / "proc", "proc", guarded)
        with contextlib.suppress(OSError):  # an outer container may hide it; nothing needs it
            linux.mount("sysfs", merged / "sys", "sysfs", guarded | linux.MS_RDONLY)
        _make_devices(merged / "dev")
        linux.sethostname(self.hostname)
        linux.loopback_up()
        # From here on, links in the image can only lead to places in the image.
        old = linux.pivot_root(merged, "dev/.old")
        for source, target, read_only in process.mounts:
            _bind(old / source.lstrip("/"), Path(target), read_only)
        linux.unmount(old)
        old.rmdir()
        Path("/etc").mkdir(exist_ok=True)
        Path("/etc/hostname").write_text(f"{self.hostname}\n")
        Path("/etc/hosts").write_text(
            f"127.0.0.1\tlocalhost {self.hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        )


def _make_devices(dev: Path) -> None:
    linux.mount("tmpfs", dev, "tmpfs", linux.MS_NOSUID, "mode=755,size=64k")
    for name in _DEVICES:
        (dev / name).touch()
        linux.mount(f"/dev/{name}", dev / name, flags=linux.MS_BIND)
    for name, target in _DEVICE_LINKS.items():
        (dev / name).symlink_to(target)
    unsafe = linux.MS_NOSUID | linux.MS_NOEXEC
    (dev / "shm").mkdir()
    linux.mount("shm", dev / "shm", "tmpfs", unsafe | linux.MS_NODEV, "mode=1777,size=64m")
    (dev / "pts").mkdir()
    linux.mount("devpts", dev / "pts", "devpts", unsafe, "newinstance,ptmxmode=0666,mode=0620")


def _bind(source: Path, target: Path, read_only: bool) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.mount(str(source), target, flags=linux.MS_BIND | linux.MS_REC)
    if read_only:
        linux.remount_read_only(target)
