"""nginx as Bazel's remote cache: it takes PUT and answers GET, and that is all there is to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.processes import free_port, listening, server

# Three views of one folder: as it is; read slowly; with a disk cache of Bazel's below it, whose
# files have the same content under other names (ac/ab/abcd… for ac/abcd…).
_CONFIGURATION = """\
daemon off;
master_process off;
pid {root}/pid;
error_log {root}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format requests '$request_method $request_uri $status $body_bytes_sent';
    access_log {root}/access.log requests;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    client_max_body_size 0;
    root {root}/store;
    dav_methods PUT;
    create_full_put_path on;
    server {{ listen 127.0.0.1:{port}; }}
    server {{ listen 127.0.0.1:{slow}; limit_rate 4m; }}
    server {{
        listen 127.0.0.1:{filled};
        location / {{ error_page 404 = @disk; log_not_found off; }}
        location @disk {{
            root {disk};
            rewrite ^/(ac|cas)/(..)(.*)$ /$1/$2/$2$3 break;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Request:
    """One line of the server's log; `sent` is the size of the answer's body in bytes."""

    method: str
    path: str
    status: int
    sent: int


@dataclass
class HttpCache:
    """The running server: addresses for --remote_cache, its folder, and what it was asked."""

    url: str
    slow_url: str
    filled_url: str
    store: Path
    disk: Path
    log: Path
    _read: int = field(default=0)

    def requests(self) -> list[Request]:
        """Return the requests since this was last called."""
        text = self.log.read_text()
        lines = text[self._read :].splitlines()
        self._read = len(text)
        rows = [line.split(" ") for line in lines]
        return [Request(row[0], row[1], int(row[2]), int(row[3])) for row in rows]

    def entry(self, kind: str, key: str) -> Path:
        """Return the file of an entry; kind: `ac`, results of actions, or `cas`, content."""
        return self.store / kind / key

    def adopt(self) -> int:
        """Copy what the disk cache has answered into the store; the number of files."""
        found = 0
        for request in self.requests():
            own = self.store / request.path[1:]
            if request.method == "GET" and request.status == 200 and not own.exists():
                kind, _, key = request.path[1:].partition("/")
                own.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.disk / kind / key[:2] / key, own)
                found += 1
        return found


@contextmanager
def http_cache(root: Path, programs: Path, disk: Path) -> Iterator[HttpCache]:
    """Run nginx with an empty store in the folder `root`, which is made.

    disk: a disk cache of Bazel's, which may be absent; it is only read.
    """
    store = root / "store"
    store.mkdir(parents=True)
    port, slow, filled = free_port(), free_port(), free_port()
    configuration = root / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(root=root, port=port, slow=slow, filled=filled, disk=disk)
    )
    command: list[str | Path] = [programs / "usr/sbin/nginx", "-p", root, "-c", configuration]
    with server(command, root / "nginx.log", lambda: listening(port)):
        host = "http://127.0.0.1"
        yield HttpCache(
            f"{host}:{port}", f"{host}:{slow}", f"{host}:{filled}", store, disk, root / "access.log"
        )
