"""For tests: a server that says exactly what it is told, however wrong."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

Say = Callable[[bytes], Iterator[bytes]]


def once(*pieces: bytes) -> Say:
    """Answer with these pieces, then hang up."""
    return lambda _asked: iter(pieces)


def endless(first: bytes, piece: bytes, pause: float = 0) -> Say:
    """Answer with `first`, and then with `piece` for ever, waiting `pause` seconds before each."""

    def say(_asked: bytes) -> Iterator[bytes]:
        yield first
        while True:
            time.sleep(pause)
            yield piece

    return say


class Listener:
    """Listens on a free port of the loopback while used as a context manager."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start serving."""
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving; connections end by themselves, when the other side hangs up."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        raise NotImplementedError


class RawServer(Listener):
    """Serves on a free port of the loopback while used as a context manager.

    `say` is given the head of each request, and yields what to send; then the connection ends.
    With a `certificate` (and key) it speaks TLS.
    """

    def __init__(self, say: Say, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__()
        self.say = say
        # The heads of all requests.
        self.asked: list[bytes] = []
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)

    def _talk(self, connection: socket.socket) -> None:
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(1 << 16)
                if not piece or (not self._context and not head and piece[:1] == b"\x16"):
                    # Gone, or a TLS greeting.
                    return
                head += piece
            self.asked.append(head)
            for piece in self.say(head):
                connection.sendall(piece)
        except OSError:
            pass
        finally:
            connection.close()
