"""Runs the command of an image in namespaces of the kernel: no engine, no root, any platform.

Ends with the command's exit status; with 125 if it could not be run, 126 if it is no program of the
image's platform, 127 if the image lacks it.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from tools.run_image import session, terminal
from tools.run_image.arguments import ArgumentError, Request, parse
from tools.sandbox import keeper, user_namespace, work
from tools.sandbox.folder import Folder
from tools.sandbox.inside import FORWARDED
from tools.sandbox.layout import Image, LayoutError, open_layers, platforms, read_image

# What this machine's kernel runs without help, by uname's name.
_MACHINES = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


class RunError(Exception):
    """The command could not be run; `status` is the exit status that says so."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def _image(request: Request) -> Image:
    """The image to run: of an index, that for the platform asked for, or for this machine."""
    found = platforms(request.layout)
    wanted = request.platform
    if wanted is None and len(found) > 1:
        machine = os.uname().machine
        wanted = _MACHINES.get(machine)
        if wanted is None:
            raise RunError(
                f"no image is for this machine, {machine}; name another by --platform: "
                + ", ".join(found),
                session.NOT_RUN,
            )
    image = read_image(request.layout, wanted)
    if not image.platform.startswith("linux/"):
        raise RunError(f"the image is for {image.platform}, and runs there alone", session.NOT_RUN)
    return image


@contextmanager
def _forwarding(talk: socket.socket) -> Iterator[None]:
    """Leave it to the command what a signal to this program means."""

    def send(number: int, _: FrameType | None) -> None:
        try:
            talk.send(str(number).encode())
        except OSError:  # it has just ended
            return

    old = {number: signal.signal(number, send) for number in FORWARDED}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _started(talk: socket.socket) -> int | None:
    """Wait until the command runs; a descriptor of its terminal, if it has one of its own."""
    found = None
    while True:
        data, descriptors, _, _ = socket.recv_fds(talk, 1 << 16, 1)
        if descriptors:
            found = descriptors[0]
            continue
        message = _message(data)
        if "failed" in message:
            raise RunError(message["failed"], message["status"])
        return found


def _message(data: bytes) -> dict[str, Any]:
    if not data:
        raise RunError("the container ended before its command did", session.NOT_RUN)
    message: dict[str, Any] = json.loads(data)
    return message


def _is_terminal() -> bool:
    """Whether who started this types and reads: then the command gets a terminal of its own."""
    return os.isatty(0) and os.isatty(1)


def run(request: Request) -> int:
    """Run the command; its exit status.

    Raises:
        LayoutError: the layout has no image to run.
        RunError: it could not be run.
    """
    image = _image(request)
    in_terminal = _is_terminal()
    with ExitStack() as stack:
        stack.enter_context(work.signals_as_exceptions())
        path = stack.enter_context(work.directory("run-image-"))
        # All three are there, and none of them is what the keeper closes for itself.
        streams = [os.dup(number) for number in (0, 1, 2)]
        identity = os.geteuid()
        more = user_namespace.further(identity)
        job = session.Job(
            request=replace(request, emulator=_absolute(request.emulator)),
            platform=image.platform,
            config=image.config,
            layers=open_layers(image, stack),
            hostname=image.digest.partition(":")[2][:12],
            streams=(streams[0], streams[1], streams[2]),
            ids=more.count if more else 0,
            given={"TERM": os.environ.get("TERM", "xterm")} if in_terminal else {},
            terminal=in_terminal,
        )
        folder = Folder(path, identity)
        folder.make(request.volumes)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.callback(ours.close)

        def body(problem: str | None) -> None:
            ours.close()
            session.serve(job, folder, theirs, problem)

        kept = keeper.start(path, identity, body, more)
        stack.callback(kept.stop)
        theirs.close()
        for descriptor in streams:
            os.close(descriptor)
        return _follow(ours, in_terminal)


def _follow(talk: socket.socket, in_terminal: bool) -> int:
    """Stays with the command from its start to its end; its exit status."""
    own = _started(talk)
    with _forwarding(talk):
        if not in_terminal or own is None:
            return int(_message(talk.recv(1 << 16))["status"])
        with terminal.same_size(0, own), terminal.raw(0):
            return int(_message(terminal.join(0, 1, own, talk))["status"])


def _absolute(path: Path | None) -> Path | None:
    return path.resolve() if path else None


def main(words: list[str] | None = None) -> int:
    """Return the exit status."""
    try:
        return run(parse(sys.argv[1:] if words is None else words))
    except ArgumentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except LayoutError as error:
        print(f"error: {error}", file=sys.stderr)
        return session.NOT_RUN
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.status


if __name__ == "__main__":
    sys.exit(main())
