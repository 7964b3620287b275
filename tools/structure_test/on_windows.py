r"""The engine for images on Windows: files from the layers, commands under wine.

The base image is nowhere, so C: is what wine has for Windows, and upon it what the layers hold.
Each container has a prefix of its own, wine's name for a machine: a copy of the first one, of
which C:\windows alone is shared. Unlike containers on Linux these are no fences: wine gives a
program what its user may do.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from tools.sandbox.container import DEFAULT_PATH, LimitError, SetupError, StartError
from tools.sandbox.inside import Process
from tools.sandbox.privileges import Limits
from tools.sandbox.rootfs import Rootfs
from tools.sandbox.users import User, UserError
from tools.structure_test.channel import Channel
from tools.structure_test.engine import ApiError, ContainerRecord, Engine, EngineServer
from tools.structure_test.service import Job

_FILES = "Files"
_DRIVE = "drive_c"
_START_SECONDS = 300
_MIB = 1 << 20
# Neither .NET nor a browser, which wine would offer to fetch; nor its part of WMI, which breaks off
# programs that ask it, as CPython's platform module does. Without it they ask otherwise.
_WITHOUT = "mscoree=;mshtml=;wbemprox="
# As the base images say; wine's own default is older than what CPython starts on.
_VERSION = ("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f")
# Who may do all on Windows, as wine's only user; without a name, whom the base image has.
_ADMINISTRATORS = ("", "containeradministrator", "administrator")


class DriveC(Rootfs):
    """What a Windows image's own layers put on C:. Paths are /Python/..., in any case."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._spelled: dict[str, str] = {"/": "/"}

    def _apply_member(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, fresh: set[str]
    ) -> None:
        top, _, member.name = member.name.partition("/")
        if top != _FILES or not member.name:
            return
        if member.islnk():
            member.linkname = member.linkname.partition("/")[2]
        super()._apply_member(archive, member, fresh)

    def finish(self) -> None:
        """Remember how each path is spelled; modes are Linux' alone."""
        self._spelled = {path.casefold(): path for path in self.headers}

    def user(self, name: str) -> User:
        """An administrator, whom wine has; UserError for anybody else."""
        if name.casefold() not in _ADMINISTRATORS:
            raise UserError("under wine there is ContainerAdministrator alone")
        return User()

    def show_to(self, user: User, ids: int) -> None:
        """Nothing: owners and modes are Linux' alone."""

    def resolve(self, path: str, *, follow_last: bool) -> str:
        r"""`path`, with / or \ and with or without C:, as the layers spell it."""
        clean = path.replace("\\", "/").strip("/")
        if clean[:2].casefold() == "c:":
            clean = clean[2:]
        clean = posixpath.normpath("/" + clean.strip("/"))
        spelled = getattr(self, "_spelled", {})
        return super().resolve(spelled.get(clean.casefold(), clean), follow_last=follow_last)


class Wine:
    """The wine of this machine; `base` becomes the prefix that all others are copies of."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._problem: str | None = None

    def environment(self, prefix: Path, env: Mapping[str, str]) -> dict[str, str]:
        """Variables for a program in a prefix; its PATH is Windows', wine's own the machine's."""
        path = {"WINEPATH": env["PATH"]} if "PATH" in env else {}
        return {
            **{name: value for name, value in env.items() if name.upper() != "PATH"},
            **path,
            "HOME": str(prefix),
            "PATH": os.environ.get("PATH", ""),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": _WITHOUT,
            "WINEPREFIX": str(prefix),
        }

    def what_is_missing(self, drive: Path) -> str | None:
        """Why nothing runs under wine here; None where it does. The first call makes `base`."""
        if self.base.exists() or self._problem:
            return self._problem
        if not shutil.which("wine"):
            self._problem = "wine is not installed here"
            return self._problem
        self.base.mkdir()
        said = self._boot()
        if not (self.base / _DRIVE / "windows").is_dir():
            self._problem = f"wine doesn't start here: {said[-200:]}"
            return self._problem
        # Z: is the machine's root directory.
        (self.base / "dosdevices/z:").unlink(missing_ok=True)
        shutil.copytree(drive, self.base / _DRIVE, symlinks=True, dirs_exist_ok=True)
        return None

    def _boot(self) -> str:
        """Make the prefix; what wine says."""
        said = b""
        try:
            for words in (("wineboot", "--init"), _VERSION):
                done = subprocess.run(
                    ["wine", *words],
                    env=self.environment(self.base, {}),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_START_SECONDS,
                    check=False,
                )
                said += done.stderr
        except subprocess.TimeoutExpired:
            return f"no end of it after {_START_SECONDS} seconds"
        finally:
            self.end(self.base)
        return said.decode(errors="replace").strip()

    def end(self, prefix: Path) -> None:
        """End all that runs in a prefix, and wait for it."""
        for option in ("--kill", "--wait"):
            subprocess.run(
                ["wineserver", option],
                env=self.environment(prefix, {}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )

    def copy(self, source: Path, target: Path) -> None:
        """Make `target` a prefix like `source`, with the same files of Windows."""
        windows = source / _DRIVE / "windows"
        shutil.copytree(
            source,
            target,
            symlinks=True,
            ignore=lambda folder, names: (
                {"windows"} & set(names) if Path(folder) == windows.parent else set()
            ),
        )
        shutil.copytree(windows, target / _DRIVE / "windows", symlinks=True, copy_function=os.link)


class WineContainer:
    """One command in a prefix of its own; `upper` is that prefix, for what is made of it."""

    def __init__(self, directory: Path, source: Path, wine: Wine, limits: Limits) -> None:
        self.upper = directory / "prefix"
        self.hostname = directory.name
        self.stdout, self.stderr = directory / "stdout", directory / "stderr"
        self._source, self._wine, self._limits = source, wine, limits
        self._running: subprocess.Popen[bytes] | None = None
        self._outcome: int | Exception | None = None
        directory.mkdir()

    @property
    def started(self) -> bool:
        """Whether a command has run, or tried to, in here."""
        return self._running is not None

    def start(self, process: Process) -> None:
        """Start the command. SetupError or StartError where it doesn't get that far."""
        try:
            self._wine.copy(self._source, self.upper)
        except (OSError, shutil.Error) as error:
            raise SetupError(f"no prefix for wine: {error}") from error
        folder = self._folder(process.cwd)
        if not folder.is_dir():
            raise SetupError(f"working directory {process.cwd}: there is none in the layers")
        try:
            self._running = subprocess.Popen(
                ["wine", *process.argv],
                env=self._wine.environment(self.upper, process.env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                # CPython takes no file for its standard streams under wine.
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(error.errno or 0, "wine") from error

    def _folder(self, cwd: str) -> Path:
        clean = cwd.replace("\\", "/").strip("/")
        clean = clean[2:] if clean[:2].casefold() == "c:" else clean
        return self.upper / _DRIVE / clean.strip("/")

    def wait(self) -> int:
        """The command's exit status. LimitError if it went over a limit."""
        if self._running is None:
            raise SetupError("the container was never started")
        if self._outcome is None:
            self._outcome = self._finish(self._running)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def _finish(self, running: subprocess.Popen[bytes]) -> int | Exception:
        streams = {self.stdout: running.stdout, self.stderr: running.stderr}
        too_much: list[str] = []
        readers = [
            threading.Thread(target=self._collect, args=(stream, path, too_much))
            for path, stream in streams.items()
        ]
        for reader in readers:
            reader.start()
        outcome: int | Exception
        try:
            code = running.wait(self._limits.seconds)
            outcome = code if code >= 0 else 128 - code
        except subprocess.TimeoutExpired:
            outcome = LimitError(f"the command ran for more than {self._limits.seconds} seconds")
        self._end(running)
        for reader in readers:
            reader.join()
        return LimitError(too_much[0]) if too_much else outcome

    def _collect(self, stream: BinaryIO, path: Path, too_much: list[str]) -> None:
        with stream, path.open("wb") as file:
            while data := os.read(stream.fileno(), 1 << 16):
                if file.tell() + len(data) > self._limits.output_mib * _MIB:
                    name = f"{self._limits.output_mib} MiB to {path.name}"
                    too_much.append(f"the command wrote more than {name}")
                    self._wine.end(self.upper)
                    return
                file.write(data)

    def _end(self, running: subprocess.Popen[bytes]) -> None:
        self._wine.end(self.upper)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    def kill(self) -> None:
        """End a container that still runs; nothing of it is left when this returns."""
        if self._running is not None and self._outcome is None:
            self._end(self._running)
            self._outcome = LimitError("the command was ended")


class WindowsEngine(Engine):
    """The engine of an image on Windows."""

    def __init__(
        self,
        drive: DriveC,
        config: dict[str, Any],
        state: Path,
        channel: Channel,
        limits: Limits,
    ) -> None:
        super().__init__(drive, config, state / "containers", channel, limits=limits)
        self._wine = Wine(state / "base")

    def _new_container(self, lowers: Sequence[Path], name: str) -> WineContainer:
        source = self._wine.base if lowers == [self._rootfs.root] else lowers[-1]
        return WineContainer(self._state / name, source, self._wine, self._limits)

    def start(self, identity: str) -> None:
        """Start the container's command; the first one has to wait for wine's first start."""
        self._cannot_run = self._wine.what_is_missing(self._rootfs.root)
        super().start(identity)

    def _process(self, made: ContainerRecord) -> Process:
        host = made.config.get("HostConfig") or {}
        if host.get("Binds"):
            raise ApiError(400, "bindMounts: there are none for images on Windows")
        process = super()._process(made)
        # What Engine has for Linux; none of it is on Windows.
        unset = {
            "HOME": process.user.home,
            "HOSTNAME": made.container.hostname,
            "PATH": DEFAULT_PATH,
        }
        env = {name: value for name, value in process.env.items() if unset.get(name) != value}
        return replace(process, env=env)


@contextmanager
def serving(job: Job, folder: Path, socket_path: Path) -> Iterator[Channel]:
    """Run the engine in a thread, at a socket; when this ends nothing of it is left.

    RootfsError for layers that can't be unpacked.
    """
    (folder / "containers").mkdir()
    drive = DriveC(folder / "drive")
    for name, stream in job.layers:
        drive.apply(stream, name)
    drive.finish()
    for shown in job.mounts:
        _show(shown.source, drive.root / shown.target.lstrip("/"))
    with ExitStack() as stack:
        channel = Channel()
        stack.callback(channel.close)
        engine = WindowsEngine(drive, job.config, folder, channel, job.limits)
        stack.callback(engine.close)
        listening = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listening.bind(str(socket_path))
        listening.listen()
        server = EngineServer(listening, engine)
        thread = threading.Thread(target=_serve, args=(server, channel), daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield channel


def _show(source: Path, target: Path) -> None:
    """Copy what is to be seen in every container."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _serve(server: EngineServer, channel: Channel) -> None:
    try:
        server.serve_forever()
    except BaseException:
        channel.fault(traceback.format_exc())
