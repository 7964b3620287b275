"""For tests: what stands before a real registry and makes it answer as another does.

`Front` speaks TLS as HOST, and passes on what it is asked; `Proxy` is the way to it, for programs
that heed HTTPS_PROXY: no name has to be resolved.
"""

from __future__ import annotations

import base64
import dataclasses
import http.client
import http.server
import re
import secrets
import socket
import ssl
import threading
import urllib.parse
from pathlib import Path
from typing import Any

from tools.net import raw_server
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.token_service import TokenService

# A name that no other run has: skopeo remembers which registry has which blob, for root in a file
# that outlives the test, and wouldn't send it again.
HOST, STORAGE = f"registry-{secrets.token_hex(4)}.test", "storage.test"
PROXY_USER, PROXY_PASSWORD = "us@er", "p:w/"
_HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive", "host")


@dataclasses.dataclass(frozen=True)
class Seen:
    """A request that the front has passed on or answered."""

    method: str
    path: str
    ranged: bool
    length: int
    status: int


class Front:
    """Stands before the registry `backend` (HOST:PORT) while used as a context manager.

    `quirks` are those of zoo.yaml. With `cut_after` the next PATCH or PUT with more bytes is cut
    off after so many, once.
    """

    def __init__(
        self,
        backend: str,
        certificate: tuple[Path, Path],
        quirks: dict[str, Any],
        tokens: TokenService | None,
    ) -> None:
        self.backend = backend
        self.quirks = quirks
        self.tokens = tokens
        self.cut_after = 0
        self.seen: list[Seen] = []
        # Of uploads whose state is kept here, what the real registry puts into their address.
        self.states: dict[str, str] = {}
        self.lock = threading.Lock()

        class Handler(_Handler):
            front = self

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self._server.server_port

    def __enter__(self) -> Front:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: Front

    def log_message(self, *_: object) -> None:
        pass

    def handle_any(self) -> None:
        body = self.body()
        url = urllib.parse.urlsplit(self.path)
        quirks = self.front.quirks
        if self.headers["Host"].partition(":")[0] == STORAGE:
            self.storage()
        elif url.path == "/token" and self.front.tokens:
            given = self.headers.get("Authorization", "")
            told = self.front.tokens.answer(self.command, url.query, body.decode(), given)
            self.reply(told[0], {"Content-Type": "application/json"}, told[1])
        elif not self.front.tokens and not self.is_user():
            self.reply(401, {"WWW-Authenticate": 'Basic realm="zoo"'})
        elif status := self.refusal(url, body):
            self.reply(*status)
        elif self.front.cut_after and len(body) > self.front.cut_after:
            self.cut(body)
        elif quirks.get("blobs_elsewhere") and re.search(r"/blobs/sha256:", url.path):
            self.redirect(body)
        else:
            self.reply(*self.backend_answer(body))

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def is_user(self) -> bool:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.headers.get("Authorization", "") == basic

    def refusal(
        self, url: urllib.parse.SplitResult, body: bytes
    ) -> tuple[int, dict[str, str], bytes] | None:
        """Return the answer of a registry that refuses what the real one takes."""
        quirks = self.front.quirks
        uploads = "/blobs/uploads/" in url.path
        ranged = "Content-Range" in self.headers
        if len(body) > quirks.get("largest_body", 1 << 60):
            return 413, {"Connection": "close"}, b"<html>Request Entity Too Large</html>"
        if uploads and "mount=" in url.query and "mount_status" in quirks:
            return quirks["mount_status"], {}, b'{"errors": [{"code": "BAD_REQUEST"}]}'
        if uploads and self.command == "PATCH":
            if quirks.get("no_patch"):
                return 405, {}, b""
            if ranged and quirks.get("no_chunks"):
                return 400, {}, b'{"errors": [{"code": "UNSUPPORTED"}]}'
            if ranged and len(body) > quirks.get("largest_chunk", 1 << 60):
                return 416, {}, b'{"errors": [{"code": "REQUESTED_RANGE_NOT_SATISFIABLE"}]}'
            least, most = quirks.get("chunk_sizes", (0, 1 << 60))
            if len(body) > most:
                return 413, {}, b""
            if ranged and len(body) < least and not self.is_last(len(body)):
                return 416, {}, b""
            later = ranged and not self.headers["Content-Range"].startswith("0-")
            if quirks.get("drops_later_chunks") and later:
                return self.dropped()
        if uploads and self.command == "PUT" and body and quirks.get("no_put_with_body"):
            return 404, {}, b'{"errors": [{"code": "BLOB_UNKNOWN"}]}'
        return None

    def is_last(self, length: int) -> bool:
        # No more than one small chunk a blob comes: its last.
        path = urllib.parse.urlsplit(self.path).path
        least = self.front.quirks["chunk_sizes"][0]
        return not any(
            one.method == "PATCH"
            and one.path == path
            and one.length < least
            and 200 <= one.status < 300
            for one in self.front.seen
        )

    def dropped(self) -> tuple[int, dict[str, str], bytes]:
        """Return the answer to a chunk that is thrown away: where the upload was before."""
        status, headers, _ = self.backend_answer(b"", method="GET")
        kept = {key: value for key, value in headers.items() if key in ("Location", "Range")}
        return self.front.quirks["patch_status"] if status < 300 else status, kept, b""

    def cut(self, body: bytes) -> None:
        """Pass the beginning of a body on, and hang up."""
        begun, self.front.cut_after = body[: self.front.cut_after], 0
        if self.command == "PATCH":
            headers = {}
            if found := re.match(r"(\d+)-", self.headers.get("Content-Range", "")):
                start = int(found[1])
                headers["Content-Range"] = f"{start}-{start + len(begun) - 1}"
            self.backend_answer(begun, more=headers)
        self.note(len(begun), 0)
        self.close_connection = True

    def redirect(self, body: bytes) -> None:
        status, headers, content = self.backend_answer(body)
        if status == 200:
            self.reply(307, {"Location": f"https://{STORAGE}{self.path}?signature=x"})
        else:
            self.reply(status, headers, content)

    def storage(self) -> None:
        """Answer as a storage does, to which another login than the address's own is an error."""
        self.reply(400 if "Authorization" in self.headers else 200, {})

    def backend_answer(
        self, body: bytes, method: str = "", more: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        quirks, method = self.front.quirks, method or self.command
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        if not self.front.tokens:
            headers.pop("Authorization", None)
        if not quirks.get("plain_location"):
            headers["X-Forwarded-Proto"] = "https"
        headers |= {"Host": HOST, **(more or {})}
        connection = http.client.HTTPConnection(self.front.backend, timeout=60)
        connection.request(method, self.with_state(), body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        told = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP}
        if self.command == "HEAD":
            told["Content-Length"] = answer.headers.get("Content-Length", "0")
        return self.adapted(method, answer.status, told), told, content

    def with_state(self) -> str:
        """Return the target for the real registry: it keeps an upload's state in its address."""
        url = urllib.parse.urlsplit(self.path)
        state = self.front.states.get(url.path, "")
        query = "&".join(part for part in (state, url.query) if part)
        return url.path + (f"?{query}" if query else "")

    def without_state(self, location: str) -> str:
        url = urllib.parse.urlsplit(location)
        self.front.states[url.path] = url.query
        return url._replace(query="").geturl()

    def adapted(self, method: str, status: int, told: dict[str, str]) -> int:
        """Change a good answer as the quirks say; return its status."""
        quirks = self.front.quirks
        if quirks.get("no_scope") and status == 401:
            challenge = told.get("Www-Authenticate", "")
            told["Www-Authenticate"] = re.sub(r',scope="[^"]*"', "", challenge)
        if not 200 <= status < 300:
            return status
        if quirks.get("keeps_state") and "/blobs/uploads/" in told.get("Location", ""):
            told["Location"] = self.without_state(told["Location"])
        if method == "POST" and "chunk_sizes" in quirks:
            least, most = quirks["chunk_sizes"]
            told |= {"OCI-Chunk-Min-Length": str(least), "OCI-Chunk-Max-Length": str(most)}
        if method == "PUT" and "/manifests/" in self.path:
            if quirks.get("claims_referrers"):
                told["OCI-Subject"] = "sha256:" + "0" * 64
            return int(quirks.get("manifest_status", status))
        return int(quirks.get("patch_status", status)) if method == "PATCH" else status

    def note(self, length: int, status: int) -> None:
        ranged = "Content-Range" in self.headers
        path = urllib.parse.urlsplit(self.path).path
        with self.front.lock:
            self.front.seen.append(Seen(self.command, path, ranged, length, status))

    def reply(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.note(int(self.headers.get("Content-Length", 0)), status)
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if "Content-Length" not in headers and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)


class Proxy(raw_server.Listener):
    """An HTTP proxy that wants a login and leads everywhere to one port of this machine.

    Serves while used as a context manager; `used` counts the connections.
    """

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.used = 0
        user, password = (
            urllib.parse.quote(word, safe="") for word in (PROXY_USER, PROXY_PASSWORD)
        )
        self.url = f"http://{user}:{password}@{self.host}"

    def _talk(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := connection.recv(4096)):
                return
            head += piece
        login = base64.b64encode(f"{PROXY_USER}:{PROXY_PASSWORD}".encode())
        if not head.startswith(b"CONNECT ") or login not in head:
            connection.sendall(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n")
            connection.close()
            return
        self.used += 1
        target = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=_copy, args=(connection, target), daemon=True).start()
        _copy(target, connection)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, target):
            one.close()
