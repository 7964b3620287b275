"""urllib3's connections under a watch: whatever the other side does, a request ends in time.

A timeout of a socket is for one read alone, so one byte a second never trips it, and neither
does `100 Continue` without end. The watch ends the request as a whole, TLS handshake and proxy
included, by shutting the connection down from outside.
"""

from __future__ import annotations

import email.errors
import http.client
import io
import socket
import threading
import time
from typing import Any, Final

import urllib3.connection
import urllib3.connectionpool

from tools.net import limits

# Chunked bodies have some bytes of framing for each chunk, which may be small.
_FRAMING: Final = 8
_LINE: Final = 64 << 10
_DEFECTS: Final = (
    email.errors.FirstHeaderLineIsContinuationDefect,
    email.errors.MissingHeaderBodySeparatorDefect,
)
_current = threading.local()


class ExcessError(http.client.HTTPException):
    """The other side sent more than allowed."""


class Watch:
    """Ends what its thread exchanges with a server once it takes too long or is too much.

    `seconds` are for the request as a whole; with every SLOWEST bytes noted by `advance` it
    gets a second more. `size` is how many bytes of a body are expected at most.
    """

    def __init__(self, seconds: float, size: int) -> None:
        self.allowed = limits.HEAD + _FRAMING * size
        self.seconds = seconds
        self.expired = False
        self._end = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._left_over: list[socket.socket] = []
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Watch:
        """Begin to watch the connections this thread uses."""
        _current.watch = self
        threading.Thread(target=self._wait, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        _current.watch = None
        with self._lock:
            self._over.set()
            for connected in self._left_over:
                connected.close()

    def advance(self, count: int) -> None:
        """Note bytes of a body that were sent or have arrived: they earn more time."""
        with self._lock:
            self._end += max(count, 0) / limits.SLOWEST

    def use(self, connected: socket.socket | None) -> None:
        """Note the connection in use now; the watch doesn't own it."""
        with self._lock:
            self._socket = connected
            if self.expired:
                self._shut()

    def take_over(self, connected: socket.socket) -> None:
        """Own a connection that urllib3 is done with, while its answer's body is still read."""
        with self._lock:
            self._left_over.append(connected)

    def _wait(self) -> None:
        while not self._over.wait(max(self._end - time.monotonic(), 0)):
            with self._lock:
                if not self._over.is_set() and time.monotonic() >= self._end:
                    self.expired = True
                    self._shut()
                    return

    def _shut(self) -> None:
        try:
            if self._socket:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _watch() -> Watch | None:
    found: Watch | None = getattr(_current, "watch", None)
    return found


class _Bounded(io.BufferedIOBase):
    """A connection's input that gives no more bytes than the watch allows, and no endless line."""

    def __init__(self, inner: io.BufferedIOBase, allowed: int) -> None:
        super().__init__()
        self._inner = inner
        self._left = allowed

    def allow(self, allowed: int) -> None:
        """Give `allowed` bytes from here on."""
        self._left = allowed

    def _take(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise ExcessError("more than is expected")
        return data

    def _bounded(self, size: int | None) -> int:
        return self._left + 1 if size is None or size < 0 else min(size, self._left + 1)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._take(self._inner.read(self._bounded(size)))

    def read1(self, size: int = -1, /) -> bytes:
        return self._take(self._inner.read1(self._bounded(size)))

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or size > _LINE:
            size = _LINE
        line = self._take(self._inner.readline(self._bounded(size)))
        if len(line) == _LINE:
            raise ExcessError("a line without end")
        return line

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer whose head is bounded, and its body as the watch says."""

    def begin(self) -> None:
        inner: io.BufferedIOBase = self.fp
        watch = _watch()
        bounded = _Bounded(inner, limits.HEAD)
        self.fp = bounded  # type: ignore[assignment]
        super().begin()
        if any(isinstance(defect, _DEFECTS) for defect in self.msg.defects):
            raise http.client.HTTPException("headers that can't be read")
        bounded.allow(watch.allowed if watch else limits.HEAD)


class _Watched:
    """What both kinds of connection do beside urllib3's."""

    _guard: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        # TLS takes the socket over; a second one for the same connection stays to be shut down.
        self._guard = connected.dup()
        self._note()
        return connected

    def _note(self) -> None:
        if watch := _watch():
            watch.use(self._guard)

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._note()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        guard, self._guard = self._guard, None
        if guard and (watch := _watch()):
            watch.take_over(guard)
        elif guard:
            guard.close()


class HttpConnection(_Watched, urllib3.connection.HTTPConnection):
    """A watched connection in the clear."""

    response_class = _Response


class HttpsConnection(_Watched, urllib3.connection.HTTPSConnection):
    """A watched connection with TLS."""

    response_class = _Response


class HttpPool(urllib3.connectionpool.HTTPConnectionPool):
    """Connections to a server, kept open."""

    ConnectionCls = HttpConnection


class HttpsPool(urllib3.connectionpool.HTTPSConnectionPool):
    """Connections to a server with TLS, kept open."""

    ConnectionCls = HttpsConnection
