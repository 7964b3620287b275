"""What happens in a container before its command runs: its root, its pid 1, what it may do."""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import termios
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from tools.sandbox import inroot, linux, privileges, user_namespace
from tools.sandbox.privileges import Limits
from tools.sandbox.users import User

_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "ptmx": "pts/ptmx",
    "stderr": "/proc/self/fd/2",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
}
# Signals that people and programs send to have a command end, or do something.
FORWARDED = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM),
    *(signal.SIGUSR1, signal.SIGUSR2),
)
_GUARDED = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
# As in Docker's default configuration of a container.
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)


@dataclass(frozen=True)
class Mount:
    """What to show in a container: mounted at `staged` outside of it, at `target` inside."""

    staged: Path
    target: str


@dataclass(frozen=True)
class Process:
    """What to run: argv, environment, working directory, mounts, and as which user."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str = "/"
    mounts: Sequence[Mount] = ()
    user: User = field(default_factory=User)


@dataclass(frozen=True)
class Place:
    """Where a container is: its root's layers (lowest first), where that is mounted, a name.

    `ids` is how many ids there are besides one (`user_namespace.become`); `network`, whether it has
    the machine's network instead of an isolated one.
    """

    lowers: Sequence[Path]
    upper: Path
    work: Path
    merged: Path
    hostname: str
    ids: int = 0
    network: bool = False


class _ProblemError(Exception):
    """Why the command can't be run, in words for the test's log."""


@contextmanager
def _about(what: str) -> Iterator[None]:
    """Names what an OSError is about."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise _ProblemError(f"{what}: {reason}") from error


@dataclass(frozen=True)
class Streams:
    """Descriptors of a command's standard input, output and error.

    With `terminal`, a socket, they are a terminal of the container's own, whose other end is sent
    there. With `forward`, signals that ask pid 1 to end are the command's.
    """

    descriptors: tuple[int, int, int]
    terminal: socket.socket | None = None
    forward: bool = False


def run(
    process: Process, place: Place, limits: Limits | None, started: int, streams: Streams
) -> NoReturn:
    """Make this process, pid 1 of a pid namespace, the container's own, and start the command.

    Writes to `started` why the command can't be run, as `:reason`, or exec's errno and a colon. It
    is closed when the command runs. Ends with the command, and with its status; the kernel then
    kills what the command has left.
    """
    try:
        _reset_signals()
        os.setsid()
        os.umask(0o022)
        linux.unshare(
            linux.CLONE_NEWNS
            | linux.CLONE_NEWIPC
            | linux.CLONE_NEWUTS
            | linux.CLONE_NEWCGROUP
            | (0 if place.network else linux.CLONE_NEWNET)
        )
        _enter_root(process, place, limits)
        if streams.terminal:
            streams = _own_terminal(streams.terminal, streams)
        command = os.fork()
        if not command:
            _execute(process, place.ids, limits, started, streams)
    except (OSError, _ProblemError) as error:
        os.write(started, f":{error}".encode())
    except BaseException:
        os.write(started, f":{traceback.format_exc()}".encode())
    else:
        _wait_for(command, forward=streams.forward)
    os._exit(125)


def _own_terminal(other: socket.socket, streams: Streams) -> Streams:
    """A terminal of the container's devpts; its other end is sent away."""
    master, slave = os.openpty()
    socket.send_fds(other, [b"terminal"], [master])
    os.close(master)
    return replace(streams, descriptors=(slave, slave, slave))


def _reset_signals() -> None:
    """As the kernel starts a program; pid 1 ignores what it doesn't handle."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _wait_for(command: int, *, forward: bool) -> NoReturn:
    """Pid 1: reaps orphans until the command ends. No process of the container can trace it."""
    linux.set_dumpable(False)
    linux.close_all_but(set())
    if forward:
        for number in FORWARDED:
            signal.signal(number, lambda number, _: _signal_to(command, number))
    while True:
        pid, status = os.wait()
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _signal_to(command: int, number: int) -> None:
    """To all of the command's process group, as a terminal does it."""
    try:
        os.killpg(command, number)
    except ProcessLookupError:  # it has no group of its own yet
        with contextlib.suppress(ProcessLookupError):
            os.kill(command, number)


def _enter_root(process: Process, place: Place, limits: Limits | None) -> None:
    """Mount the root and what every container has, and make it this process's root."""
    lowers = ":".join(str(path) for path in reversed(place.lowers))
    data = f"lowerdir={lowers},upperdir={place.upper},workdir={place.work},userxattr"
    linux.mount("overlay", place.merged, "overlay", data=data)
    merged = os.open(place.merged, os.O_PATH | os.O_DIRECTORY)
    for name in ("dev", "proc", "sys"):
        with _about(f"the image's /{name} is not a directory"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=merged)
            os.close(inroot.open_own_directory(merged, name))
    os.close(merged)
    # No link is on the way to these three, and nothing of the image runs yet that could make one.
    linux.mount("proc", place.merged / "proc", "proc", _GUARDED)
    if limits:
        with contextlib.suppress(OSError):
            privileges.limit_process_ids(place.merged / "proc", limits)
    _protect(place.merged, "/proc/")
    with contextlib.suppress(OSError):  # an outer container may hide it; nothing needs it
        if place.network:  # a new one shows a network that is the namespace's own
            linux.mount("/sys", place.merged / "sys", flags=linux.MS_BIND | linux.MS_REC)
            linux.make_read_only(place.merged / "sys")
        else:
            linux.mount("sysfs", place.merged / "sys", "sysfs", _GUARDED | linux.MS_RDONLY)
        _protect(place.merged, "/sys/")
    _make_devices(place.merged / "dev")
    linux.sethostname(place.hostname)
    files = _files(place)
    if not place.network:
        linux.loopback_up()
    shown = [
        (mount.target, mount.staged.is_dir(), linux.clone_mount(str(mount.staged)))
        for mount in process.mounts
    ]
    # From here on, links in the image can only lead to places in the image.
    old = linux.pivot_root(place.merged, "dev/.old")
    linux.unmount(old)
    old.rmdir()
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    for path, content in files.items():
        with _about(f"the image's {path} can't be written"):
            inroot.write_file(root, path, content)
    for target, directory, tree in shown:
        with _about(f"nothing can be mounted on the image's {target}"):
            linux.attach_mount(tree, inroot.make_mount_point(root, target, directory=directory))


def _files(place: Place) -> dict[str, bytes]:
    """The files with a container's own name and, with a network, its name servers."""
    name = place.hostname
    hosts = f"127.0.0.1\tlocalhost {name}\n::1\tlocalhost ip6-localhost ip6-loopback\n".encode()
    files = {"/etc/hostname": f"{name}\n".encode(), "/etc/hosts": hosts}
    if place.network:
        for path in ("/etc/hosts", "/etc/resolv.conf"):
            with contextlib.suppress(OSError):
                files[path] = files.get(path, b"") + Path(path).read_bytes()
    return files


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


def _protect(root: Path, below: str) -> None:
    """Hide the files below a place that describe the machine; make its settings read-only."""
    for name in (name for name in _READ_ONLY if name.startswith(below)):
        path = root / name.lstrip("/")
        if path.exists():
            linux.mount(str(path), path, flags=linux.MS_BIND | linux.MS_REC)
            linux.make_read_only(path)
    for name in (name for name in _MASKED if name.startswith(below)):
        path = root / name.lstrip("/")
        if path.is_dir():
            linux.mount("tmpfs", path, "tmpfs", _GUARDED | linux.MS_RDONLY, "mode=555,size=4k")
        elif path.exists():
            linux.mount("/dev/null", path, flags=linux.MS_BIND)


def _execute(
    process: Process, ids: int, limits: Limits | None, started: int, streams: Streams
) -> NoReturn:
    """The command's process: gives up what the command may not have, and becomes it."""
    try:
        os.setsid()
        for number, descriptor in enumerate(streams.descriptors):
            os.dup2(descriptor, number)
        if streams.terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        _change_directory(process.cwd)
        if limits:
            privileges.limit(limits)
        with _about(f"user {process.user}"):
            user_namespace.become(process.user, ids)
        privileges.drop(root=process.user.uid == 0)
        linux.close_at_exec(3)
        try:
            os.execvpe(process.argv[0], list(process.argv), dict(process.env))  # noqa: S606
        except OSError as error:
            os.write(started, f"{error.errno or errno.EINVAL}:".encode())
    except (OSError, _ProblemError) as error:
        os.write(started, f":{error}".encode())
    except BaseException:
        os.write(started, f":{traceback.format_exc()}".encode())
    finally:
        os._exit(125)


def _change_directory(path: str) -> None:
    with _about(f"the image's WorkingDir {path!r}"):
        root = os.open("/", os.O_PATH | os.O_DIRECTORY)
        os.fchdir(inroot.make_directory(root, path))
        # Fails where it is not below this process's root.
        if not os.getcwd().startswith("/"):  # noqa: PTH109 - the system call is what is meant
            raise OSError(errno.ENOENT, "outside of the image")
