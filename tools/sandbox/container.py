"""Runs one command in an image's root: own mounts, processes, network and host name, no daemon.

    engine ── supervisor ── init, pid 1 of the container ── the command

This is the engine's side and the supervisor: a process of ours outside of the container, which
collects its output and watches its limits. What happens inside is in inside.py.
"""

import json
import os
import select
import signal
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from tools.sandbox import inside, keeper, linux
from tools.sandbox.inside import Place, Process, Streams
from tools.sandbox.privileges import Limits

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MIB = 1 << 20


class SetupError(Exception):
    """The container could not be made ready for its command."""


class StartError(Exception):
    """The command could not be started: `code` is exec's errno."""

    def __init__(self, code: int, command: str) -> None:
        super().__init__(f"exec {command!r}: {os.strerror(code)}")
        self.code = code


class LimitError(Exception):
    """The command was ended because it went over a limit."""


def make_place(
    directory: Path,
    lowers: Sequence[Path],
    hostname: str,
    *,
    ids: int = 0,
    network: bool = False,
) -> Place:
    """A container's folders, in `directory`, which is made."""
    upper, work, merged = directory / "upper", directory / "work", directory / "merged"
    for path in (directory, upper, work, merged):
        path.mkdir()
    return Place(lowers, upper, work, merged, hostname, ids, network)


def dress(place: Place) -> None:
    """Give a container's / owner and mode of the image's."""
    top = place.lowers[0].stat()
    os.chown(place.upper, top.st_uid, top.st_gid)
    place.upper.chmod(stat.S_IMODE(top.st_mode))


class Container:
    """A writable view of `lowers` (directories, lowest first); its changes are in `upper`.

    Paths are relative to the current directory, or absolute. `ids` is how many ids it has besides
    one (`user_namespace.become`).
    """

    def __init__(
        self,
        directory: Path,
        lowers: Sequence[Path],
        hostname: str,
        limits: Limits,
        ids: int = 0,
    ) -> None:
        self._place = make_place(directory, lowers, hostname, ids=ids)
        self.upper = self._place.upper
        self.hostname = hostname
        self.stdout, self.stderr = directory / "stdout", directory / "stderr"
        self._limits = limits
        self._pid = 0
        self._ended = -1
        self._outcome: int | Exception | None = None

    def start(self, process: Process) -> None:
        """Start the command. SetupError or StartError when it does not get as far as exec."""
        try:
            dress(self._place)
        except OSError as error:
            raise SetupError(str(error)) from error
        started, started_end = os.pipe()
        self._ended, ended_end = os.pipe()
        read_end, write_end = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            try:
                linux.close_all_but({0, 1, 2, started_end, ended_end, read_end})
                self._supervise(process, started_end, ended_end, read_end)
            finally:
                os._exit(1)
        for end in (started_end, ended_end, read_end):
            os.close(end)
        self._lifeline = write_end
        with os.fdopen(started, "rb") as pipe:
            message = pipe.read().decode()
        if message:
            self.kill()
            number, _, text = message.partition(":")
            if text:
                raise SetupError(text)
            raise StartError(int(number), process.argv[0])

    @property
    def started(self) -> bool:
        """Whether a command has run, or tried to, in here."""
        return self._pid != 0

    def wait(self) -> int:
        """The command's exit status, 128 + signal number if a signal ended it.

        LimitError if it went over a limit; SetupError if it was never started.
        """
        if not self._pid:
            raise SetupError("the container was never started")
        if self._outcome is None:
            with os.fdopen(self._ended, "rb") as pipe:
                raw = pipe.read()
            os.close(self._lifeline)
            os.waitpid(self._pid, 0)
            end = json.loads(raw or '{"limit": "was ended from outside"}')
            self._outcome = end.get("status", LimitError(f"the command {end.get('limit')}"))
        if isinstance(self._outcome, Exception):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome

    def kill(self) -> None:
        """End a container that still runs; nothing of it is left when this returns."""
        if self._pid and self._outcome is None:
            os.close(self._lifeline)
            os.waitpid(self._pid, 0)
            os.close(self._ended)
            self._outcome = LimitError("the command was ended")

    def _supervise(self, process: Process, started: int, ended: int, lifeline: int) -> None:
        linux.die_with_parent(signal.SIGKILL)
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        inner, _inner_end = os.pipe()
        try:
            linux.unshare(linux.CLONE_NEWPID)
            init = os.fork()
        except OSError as error:
            os.write(started, f":{error}".encode())
            return
        if not init:
            try:
                linux.close_all_but({0, 1, 2, out_end, err_end, inner, started})
                keeper.end_with_parent(inner)
                streams = Streams((os.open(os.devnull, os.O_RDONLY), out_end, err_end))
                inside.run(process, self._place, self._limits, started, streams)
            finally:
                os._exit(125)
        for end in (out_end, err_end, inner, started):
            os.close(end)
        try:
            problem = self._watch(init, {out: self.stdout, err: self.stderr}, lifeline)
        finally:
            os.kill(init, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
        status = code if code >= 0 else 128 - code
        answer = {"limit": problem} if problem else {"status": status}
        os.write(ended, json.dumps(answer).encode())

    def _watch(self, init: int, outputs: dict[int, Path], lifeline: int) -> str | None:
        """Collect the outputs until the container ends; what went over a limit, or None."""
        deadline = time.monotonic() + self._limits.seconds
        end = os.pidfd_open(init)
        watched = select.poll()
        watched.register(lifeline, 0)
        files = {}
        for descriptor, path in outputs.items():
            files[descriptor] = path.open("xb", buffering=0)
            watched.register(descriptor, select.POLLIN)
        watched.register(end, select.POLLIN)
        running = {end, *outputs}
        while running:
            left = deadline - time.monotonic()
            ready = watched.poll(left * 1000) if left > 0 else []
            if not ready:
                return f"ran for more than {_plural(self._limits.seconds, 'second')}"
            for descriptor, _ in ready:
                if descriptor == lifeline:
                    return "was ended from outside"
                data = b"" if descriptor == end else os.read(descriptor, 1 << 16)
                if not data:
                    watched.unregister(descriptor)
                    running.discard(descriptor)
                    continue
                file = files[descriptor]
                if file.tell() + len(data) > self._limits.output_mib * _MIB:
                    name = outputs[descriptor].name
                    return f"wrote more than {self._limits.output_mib} MiB to {name}"
                file.write(data)
        return None


def _plural(number: float, unit: str) -> str:
    return f"{number:g} {unit}" if number == 1 else f"{number:g} {unit}s"
