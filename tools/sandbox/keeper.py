"""Keeps the process that runs the image's commands: when it ends, nothing of it is left.

    runner ── keeper ── pid 1 of a pid namespace: the engine ── containers

The engine, and every process of every container, lives in the keeper's pid namespace. When its pid
1 ends the kernel kills all others, and only when they are gone the keeper sees it end. Then it
empties the work folder. The keeper acts when the runner says so, or when the runner is gone: then
its end of a pipe closes, however it ended.
"""

import contextlib
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path

from tools.sandbox import host, linux, removal, user_namespace
from tools.sandbox.user_namespace import Further

# Gets why there is no user namespace, or None.
Body = Callable[[str | None], None]

_DEADLY = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


class Keeper:
    """The runner's hold on the keeper: a process, and the pipe that keeps it going."""

    def __init__(self, pid: int, control: int) -> None:
        self._pid = pid
        self._control = control

    def stop(self) -> None:
        """End the engine and all containers, and wait until they and their files are gone."""
        os.close(self._control)
        os.waitpid(self._pid, 0)


def start(work: Path, identity: int, body: Body, more: Further | None = None) -> Keeper:
    """Fork the keeper, which runs `body` as pid 1 of new user and pid namespaces.

    `identity` is the user of this machine who is root there (`user_namespace.owner`), `more` what
    other ids there are. `body` gets the reason if no user namespace is available; then it
    runs in the machine's own.
    """
    control, end = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.close(end)
            _keep(work, identity, more, control, body)
        os._exit(0)
    os.close(control)
    return Keeper(pid, end)


def _keep(work: Path, identity: int, more: Further | None, control: int, body: Body) -> None:
    # Signals from the terminal are the runner's; it will say what they mean.
    signal.pthread_sigmask(signal.SIG_BLOCK, _DEADLY)
    os.setsid()
    _silence()
    folder = os.open(work, os.O_PATH | os.O_DIRECTORY)
    problem = None
    try:
        user_namespace.enter(identity, more)
        linux.unshare(linux.CLONE_NEWPID)
    except OSError as error:
        problem = f"no user namespace available on this host ({error.strerror}); {host.remedy()}"
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(control)
            os.close(write_end)
            end_with_parent(read_end)
            body(problem)
        finally:
            os._exit(0)
    try:
        # What it inherited is for the engine, and some of it tells by being closed.
        linux.close_all_but({0, 1, 2, control, folder, write_end})
        if problem is None:
            user_namespace.become_root()
        watched = select.poll()
        watched.register(control, select.POLLIN)
        watched.register(os.pidfd_open(child), select.POLLIN)
        watched.poll()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        removal.empty(folder)


def end_with_parent(lifeline: int) -> None:
    """Make this process end with its parent, also if that has ended already.

    `lifeline` is the reading end of a pipe whose other end the parent alone holds.
    """
    linux.die_with_parent(signal.SIGKILL)
    ended = select.poll()
    ended.register(lifeline, 0)  # the other end's closing is always told
    if ended.poll(0):
        os._exit(1)
    os.close(lifeline)


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    if null > 2:
        os.close(null)
