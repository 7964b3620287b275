"""A registry in memory for the tests: strict about order, and faulty where a test asks for it."""

from __future__ import annotations

import base64
import collections
import dataclasses
import hashlib
import http.server
import json
import re
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

USER, PASSWORD, TOKEN = "ada", "secret:1", "t0ken"


@dataclasses.dataclass
class Fault:
    """What to do with requests of `method` whose path matches, `times` times.

    Either answer `status`, or take `drop_after` bytes of the body and hang up.
    """

    method: str
    path: str
    status: int = 0
    drop_after: int = -1
    times: int = 1
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


class FakeRegistry:
    """Serves on a free port of the loopback while used as a context manager.

    `auth` is "", "basic" or "bearer"; with a `certificate` (and key) it speaks TLS.
    What was asked for is counted in `requests` by (method, kind of path); bytes of blobs
    received are in `received`; blobs in `others` can be mounted. With `lists_referrers` it has
    the referrers API, as of OCI 1.1.
    """

    def __init__(
        self,
        auth: str = "",
        faults: list[Fault] | None = None,
        certificate: tuple[Path, Path] | None = None,
        *,
        lists_referrers: bool = False,
    ) -> None:
        self.auth = auth
        self.lists_referrers = lists_referrers
        self.faults = faults or []
        self.blobs: dict[str, bytes] = {}
        # What other repositories have: path to blobs.
        self.others: dict[str, dict[str, bytes]] = {}
        # Digests of layers that manifests may name without their being here: they have URLs.
        self.elsewhere: set[str] = set()
        self.scopes: list[str] = []
        self.uploads: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.requests: collections.Counter[tuple[str, str]] = collections.Counter()
        self.received = 0
        self.begun = 0
        self.lock = threading.Lock()
        registry = self

        class Handler(_Handler):
            pass

        Handler.registry = registry
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # Handshakes in the threads of the requests: a refused one must not stop the server.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeRegistry:
        """Start serving."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Return the fault to play now, if any."""
        with self.lock:
            for fault in self.faults:
                if fault.times and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None

    def missing(self, manifest: dict[str, Any]) -> list[str]:
        """Return the digests the manifest refers to and the registry hasn't."""
        children = [entry["digest"] for entry in manifest.get("manifests", [])]
        blobs = [entry["digest"] for entry in manifest.get("layers", [])]
        blobs += [manifest["config"]["digest"]] if "config" in manifest else []
        return [digest for digest in children if digest not in self.manifests] + [
            digest for digest in blobs if digest not in self.blobs.keys() | self.elsewhere
        ]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: FakeRegistry

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": "fake"}]}).encode()
        self.answer(status, headers, body)

    def handle_any(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        kind = re.sub(r".*/(blobs|uploads|manifests|referrers)/.*", r"\1", url.path)
        with self.registry.lock:
            self.registry.requests[self.command, kind] += 1
        fault = self.registry.fault_for(self.command, url.path)
        length = int(self.headers.get("Content-Length", 0))
        if fault and fault.drop_after >= 0:
            self.take(url.path, self.rfile.read(min(fault.drop_after, length)))
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if fault:
            self.error(fault.status, "FAULT", fault.headers)
        elif url.path == "/token":
            self.token(urllib.parse.parse_qs(url.query))
        elif not self.authorised():
            challenge = {
                "basic": 'Basic realm="fake"',
                "bearer": f'Bearer realm="http://{self.registry.host}/token",service="fake"',
            }[self.registry.auth]
            self.error(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})
        elif url.path == "/v2/":
            self.answer(200)
        else:
            handlers: dict[str, Callable[[urllib.parse.SplitResult, bytes], None]] = {
                "blobs": self.blob,
                "uploads": self.upload,
                "manifests": self.manifest,
                "referrers": self.referrers,
            }
            handlers[kind](url, body)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

    def authorised(self) -> bool:
        given = self.headers.get("Authorization", "")
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        read = self.command in ("GET", "HEAD") and given == f"Bearer {TOKEN}-pull"
        bearer = given if read else f"Bearer {TOKEN}"
        return given == {"": given, "basic": basic, "bearer": bearer}[self.registry.auth]

    def token(self, query: dict[str, list[str]]) -> None:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.registry.scopes = query.get("scope", [""])
        scope = self.registry.scopes[0]
        if scope.endswith(":pull"):
            # To read nobody has to be known.
            self.answer(200, body=json.dumps({"token": f"{TOKEN}-pull"}).encode())
        elif self.headers.get("Authorization") != basic or not scope.endswith(":pull,push"):
            self.error(401, "DENIED")
        else:
            self.answer(200, body=json.dumps({"token": TOKEN}).encode())

    def blob(self, url: urllib.parse.SplitResult, _body: bytes) -> None:
        digest = url.path.rpartition("/")[2]
        if digest in self.registry.blobs:
            body = self.registry.blobs[digest]
            self.answer(200, {"Content-Length": str(len(body))}, body)
        else:
            self.answer(404)

    def take(self, path: str, data: bytes) -> None:
        if path in self.registry.uploads:
            with self.registry.lock:
                self.registry.uploads[path] += data
                self.registry.received += len(data)

    def state(self, path: str, status: int) -> None:
        reached = max(len(self.registry.uploads[path]) - 1, 0)
        self.answer(status, {"Location": path, "Range": f"0-{reached}"})

    def upload(self, url: urllib.parse.SplitResult, body: bytes) -> None:
        uploads = self.registry.uploads
        if self.command == "POST":
            asked = urllib.parse.parse_qs(url.query)
            source = self.registry.others.get(asked.get("from", [""])[0], {})
            if (digest := asked.get("mount", [""])[0]) in source:
                self.registry.blobs[digest] = source[digest]
                self.answer(201, {"Docker-Content-Digest": digest})
                return
            with self.registry.lock:
                self.registry.begun += 1
                path = f"{url.path}{self.registry.begun}"
                uploads[path] = b""
            self.answer(202, {"Location": path})
        elif url.path not in uploads:
            self.error(404, "BLOB_UPLOAD_UNKNOWN")
        elif self.command == "GET":
            self.state(url.path, 204)
        elif self.command == "DELETE":
            del uploads[url.path]
            self.answer(204)
        elif self.command == "PATCH":
            begin = (self.headers.get("Content-Range") or "0").partition("-")[0]
            if int(begin) != len(uploads[url.path]):
                self.error(416, "RANGE_INVALID")
                return
            self.take(url.path, body)
            self.state(url.path, 202)
        else:
            digest = urllib.parse.parse_qs(url.query)["digest"][0]
            data = uploads[url.path]
            if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
                self.error(400, "DIGEST_INVALID")
                return
            self.registry.blobs[digest] = data
            self.answer(201, {"Docker-Content-Digest": digest})

    def manifest(self, url: urllib.parse.SplitResult, body: bytes) -> None:
        reference = url.path.rpartition("/")[2]
        if self.command == "PUT":
            if self.registry.missing(json.loads(body)):
                self.error(400, "MANIFEST_BLOB_UNKNOWN")
                return
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            for name in (reference, digest):
                self.registry.manifests[name] = (self.headers["Content-Type"], body)
            headers = {"Docker-Content-Digest": digest}
            if self.registry.lists_referrers and (subject := json.loads(body).get("subject")):
                headers["OCI-Subject"] = subject["digest"]
            self.answer(201, headers)
        elif reference in self.registry.manifests:
            kind, body = self.registry.manifests[reference]
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            self.answer(200, {"Docker-Content-Digest": digest, "Content-Type": kind}, body)
        else:
            self.answer(404)

    def referrers(self, url: urllib.parse.SplitResult, _body: bytes) -> None:
        if not self.registry.lists_referrers:
            self.answer(404)
            return
        subject = urllib.parse.unquote(url.path.rpartition("/")[2])
        found = {}
        for kind, body in self.registry.manifests.values():
            manifest = json.loads(body)
            if manifest.get("subject", {}).get("digest") == subject:
                digest = "sha256:" + hashlib.sha256(body).hexdigest()
                found[digest] = {
                    "mediaType": kind,
                    "digest": digest,
                    "size": len(body),
                    "artifactType": manifest["artifactType"],
                }
        index = {"schemaVersion": 2, "manifests": list(found.values())}
        self.answer(200, body=json.dumps(index).encode())
