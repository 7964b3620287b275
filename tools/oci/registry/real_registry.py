"""A real registry for tests: Debian's docker-registry."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

# bcrypt of USER's PASSWORD, as htpasswd -B writes it.
HTPASSWD = "ada:$2b$04$Kws6dh53W.Jd4Ka7zixiI.Z7WTmvvCVyBQLbjs7b5ey/3/NXeygxy"


class RealRegistry:
    """Debian's docker-registry on the loopback, its data in `folder`/data.

    With `auth` it wants fixtures.login's user, with `token` (its settings) what a token service
    gives; `wrapper` is a command it is started by.
    """

    def __init__(
        self,
        folder: Path,
        *,
        auth: bool = False,
        token: dict[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        self.folder = folder
        self.wrapper = wrapper
        settings = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": self.host},
        }
        if auth:
            (folder / "htpasswd").write_text(HTPASSWD + "\n")
            settings["auth"] = {"htpasswd": {"realm": "r", "path": str(folder / "htpasswd")}}
        if token:
            settings["auth"] = {"token": token}
        # JSON is YAML.
        (folder / "config.yml").write_text(json.dumps(settings))
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start serving what is in the folder."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, "docker-registry", "serve", self.folder / "config.yml"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        host, port = self.host.split(":")
        for _ in range(200):
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """Kill it; its data stay."""
        if self.process:
            self.process.kill()
            self.process.wait()
            if self.process.stdin:
                self.process.stdin.close()
            self.process = None
