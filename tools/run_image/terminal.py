"""The user's terminal and the container's: what is typed into one and shown by the other."""

import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def raw(terminal: int) -> Iterator[None]:
    """Leave all keys to the container: Ctrl-C is a character until its terminal reads it."""
    old = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, old)


@contextmanager
def same_size(user: int, container: int) -> Iterator[None]:
    """Keep the container's terminal as large as the user's."""

    def copy(_: int = 0, __: FrameType | None = None) -> None:
        with contextlib.suppress(OSError):
            size = fcntl.ioctl(user, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(container, termios.TIOCSWINSZ, size)

    old = signal.signal(signal.SIGWINCH, copy)
    copy()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, old)


def join(source: int, sink: int, container: int, talk: socket.socket) -> bytes:
    """Copy between the user's terminal (`source`, `sink`) and the container's until it ends.

    The end is what comes out of `talk`, which is returned; all that was written before is shown.
    """
    watched = select.poll()
    for descriptor in (source, container, talk.fileno()):
        watched.register(descriptor, select.POLLIN)
    while True:
        for descriptor, _ in watched.poll():
            if descriptor == talk.fileno():
                end = talk.recv(1 << 16)
                _drain(container, sink)
                return end
            data = _read(descriptor)
            if not data:
                watched.unregister(descriptor)
                continue
            _write(container if descriptor == source else sink, data)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError as error:
        if error.errno == errno.EIO:  # nobody has the other end open
            return b""
        raise


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _drain(container: int, sink: int) -> None:
    waiting = select.poll()
    waiting.register(container, select.POLLIN)
    while waiting.poll(0) and (data := _read(container)):
        _write(sink, data)
