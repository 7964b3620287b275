"""A remote cache in memory, as Bazel speaks to one over HTTP, that notes what was read from it."""

from __future__ import annotations

import http.server
import threading
from types import TracebackType


class BazelCache:
    """Serves on a free port of the loopback while used as a context manager.

    `stored` has everything by path, such as `/cas/<sha256>`; `read` lists the paths asked for that
    were there.
    """

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.read: list[str] = []
        cache = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def find(self) -> None:
                data = cache.stored.get(self.path)
                if data is not None and self.command == "GET":
                    cache.read.append(self.path)
                self.answer(404 if data is None else 200, data or b"")

            do_GET = do_HEAD = find  # noqa: N815

            def do_PUT(self) -> None:
                length = int(self.headers["Content-Length"])
                cache.stored[self.path] = self.rfile.read(length)
                self.answer(200)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> BazelCache:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
