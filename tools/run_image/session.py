"""One container and its command, in the keeper's namespaces; the runner is told how it goes.

    runner ── keeper ── pid 1 of a pid namespace: this ── init, pid 1 of the container ── command

A socket leads to the runner. It gets JSON: `{"failed": reason, "status": n}`, or `{"started":
true}` and then `{"status": n}`; and before that, if asked for, a terminal. It sends numbers of
signals.
"""

import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from tools.run_image import command
from tools.run_image.arguments import Request
from tools.run_image.command import CommandError
from tools.sandbox import emulation, host, inside, keeper, linux, probe
from tools.sandbox.container import dress, make_place
from tools.sandbox.folder import Folder
from tools.sandbox.inside import Place, Process, Streams
from tools.sandbox.privileges import Limits
from tools.sandbox.rootfs import RootfsError, unpack
from tools.sandbox.users import User, UserError

# As a shell and container engines have it.
NOT_RUN, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127


@dataclass(frozen=True)
class Job:
    """What to run, and on which descriptors. `layers`: names and open tars, lowest first."""

    request: Request
    platform: str
    config: dict[str, Any]
    layers: Sequence[tuple[str, BinaryIO]]
    hostname: str
    streams: tuple[int, int, int]
    ids: int
    given: Mapping[str, str]  # variables
    terminal: bool


class _FailedError(Exception):
    """Why the command doesn't run, and the exit status that says so."""

    def __init__(self, reason: str, status: int = NOT_RUN) -> None:
        super().__init__(reason)
        self.status = status


def serve(job: Job, folder: Folder, talk: socket.socket, no_namespace: str | None) -> None:
    """Run the command. The keeper's body; `no_namespace` is why it has no user namespace."""
    try:
        os.chdir(folder.path)
        if no_namespace:
            raise _FailedError(no_namespace)
        place, process = _prepare(job, folder)
        init, ended = _start(job, place, process, talk)
        _tell(talk, {"started": True})
        _tell(talk, {"status": _watch(init, ended, talk)})
    except (_FailedError, CommandError, RootfsError, UserError) as error:
        _tell(talk, {"failed": str(error), "status": getattr(error, "status", NOT_RUN)})
    except BaseException:
        _tell(talk, {"failed": traceback.format_exc(), "status": NOT_RUN})
    sys.exit()


def _tell(talk: socket.socket, message: dict[str, Any]) -> None:
    talk.send(json.dumps(message).encode())


def _prepare(job: Job, folder: Folder) -> tuple[Place, Process]:
    """Unpack the image, and find out what it runs as whom."""
    request, config = job.request, job.config.get("config") or {}
    try:
        mounts, problem = folder.enter_mounts(request.volumes, job.platform, request.emulator)
    except OSError as error:
        raise _FailedError(f"no container can be made here: {error}; {host.remedy()}") from error
    missing = probe.what_is_missing(
        Path("probe"), job.platform, Limits(), problem, User(1, 1), job.ids
    )
    if missing:
        raise _FailedError(_with_remedy(job, missing))
    rootfs = unpack(Path("root"), job.layers)
    user = rootfs.user(request.user if request.user is not None else config.get("User") or "")
    rootfs.show_to(user, job.ids)
    process = command.process(config, rootfs, request, user, mounts, job.given)
    place = make_place(
        Path("containers/run"),
        [rootfs.root],
        job.hostname,
        ids=job.ids,
        network=request.network,
    )
    dress(place)
    return place, process


def _with_remedy(job: Job, missing: str) -> str:
    if emulation.is_native(job.platform):
        return f"{missing}; {host.remedy()}"
    if job.request.emulator is None:
        if job.request.command.endswith((".run", ".shell")):
            return f"{missing}; name the image of one platform, as //images:TAG_PLATFORM.run"
        return f"{missing}; this brings an emulator: {job.request.command}.run"
    return f"{missing}; Linux 6.7 or newer is needed, or qemu-user in this machine's binfmt_misc"


def _start(job: Job, place: Place, process: Process, talk: socket.socket) -> tuple[int, int]:
    """The pid of the container's pid 1, and a descriptor of it, once the command runs."""
    started, started_end = os.pipe()
    inner, _inner_end = os.pipe()
    linux.unshare(linux.CLONE_NEWPID)
    init = os.fork()
    if not init:
        try:
            _become_init(job, place, process, talk, started_end, inner)
        finally:
            os._exit(NOT_RUN)
    for end in (started_end, inner, *job.streams):
        os.close(end)
    with os.fdopen(started, "rb") as pipe:
        message = pipe.read().decode()
    if message:
        os.waitpid(init, 0)
        code, _, text = message.partition(":")
        if text:
            raise _FailedError(text)
        raise _not_started(process.argv[0], int(code))
    return init, os.pidfd_open(init)


def _become_init(
    job: Job, place: Place, process: Process, talk: socket.socket, started: int, inner: int
) -> NoReturn:
    linux.close_all_but({0, 1, 2, *job.streams, talk.fileno(), started, inner})
    keeper.end_with_parent(inner)
    streams = Streams(job.streams, talk if job.terminal else None, forward=True)
    inside.run(process, place, None, started, streams)


def _not_started(program: str, code: int) -> _FailedError:
    status = NOT_FOUND if code in (2, 20) else NOT_EXECUTABLE  # ENOENT, ENOTDIR
    return _FailedError(f"{program}: {os.strerror(code)} (in the image)", status)


def _watch(init: int, ended: int, talk: socket.socket) -> int:
    """Hand signals on until the container ends; its exit status."""
    watched = select.poll()
    watched.register(ended, select.POLLIN)
    watched.register(talk, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in watched.poll()]
        if ended in ready:
            code = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
            return code if code >= 0 else 128 - code
        number = talk.recv(16)
        if not number:  # the runner is gone, and soon so are we
            watched.unregister(talk)
            continue
        os.kill(init, signal.Signals(int(number)))
