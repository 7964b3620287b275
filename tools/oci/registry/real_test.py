"""Pushing to a real registry, Debian's docker-registry, and reading back with others' tools."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.oci.assembler.layout import Layout
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.fixtures import client_of, login, make_layout

# bcrypt of USER's PASSWORD, as htpasswd -B writes it.
HTPASSWD = "ada:$2b$04$Kws6dh53W.Jd4Ka7zixiI.Z7WTmvvCVyBQLbjs7b5ey/3/NXeygxy"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(make_layout(tmp_path_factory.mktemp("images")))


class RealRegistry:
    """Debian's docker-registry on the loopback, its data in `folder`."""

    def __init__(self, folder: Path, *, auth: bool = False) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        self.folder = folder
        settings = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": self.host},
        }
        if auth:
            (folder / "htpasswd").write_text(HTPASSWD + "\n")
            settings["auth"] = {"htpasswd": {"realm": "r", "path": str(folder / "htpasswd")}}
        # JSON is YAML.
        (folder / "config.yml").write_text(json.dumps(settings))
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", self.folder / "config.yml"], stdout=log, stderr=log
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
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(params=[False, True], ids=["open", "auth"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealRegistry]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    registry = RealRegistry(tmp_path, auth=request.param)
    yield registry
    registry.stop()


def run_push(layout: Layout, registry: RealRegistry, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tools.oci.registry.push", "--image", str(layout.path)]
    return subprocess.Popen(
        [*command, "--repository", f"{registry.host}/team/app", *more],
        env={
            **os.environ,
            **login(registry.folder, registry.host),
            "PYTHONPATH": ":".join(sys.path),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_back(registry: RealRegistry, layout: Layout, tag: str) -> None:
    """Have the others' tools read the image, where they are installed."""
    digest = layout.root()["digest"]
    name = f"{registry.host}/team/app:{tag}"
    environment = {**os.environ, **login(registry.folder, registry.host)}
    if shutil.which("skopeo"):
        copied = registry.folder / "copy"
        subprocess.run(
            [
                *(
                    "skopeo",
                    "copy",
                    "--quiet",
                    "--all",
                    "--preserve-digests",
                    "--src-tls-verify=false",
                ),
                *("--src-creds", f"{USER}:{PASSWORD}"),
                *("--insecure-policy", f"docker://{name}", f"oci:{copied}:x"),
            ],
            check=True,
            env={**environment, "TMPDIR": str(registry.folder)},
        )
        assert Layout(copied).root()["digest"] == digest
    if shutil.which("crane"):
        subprocess.run(["crane", "validate", "--remote", name], check=True, env=environment)


def test_real_registry(real: RealRegistry, layout: Layout) -> None:
    process = run_push(layout, real, "--tag", "1", "--tag", "latest")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out == f"{real.host}/team/app@{layout.root()['digest']}\n"
    assert err.endswith("3 manifests and 2 tags; 0 were there already\n")
    process = run_push(layout, real, "--tag", "1", "--tag", "latest")
    assert "sent 0 blobs (0.0 MB), 0 manifests and 0 tags; 10 were" in process.communicate()[1]
    read_back(real, layout, "latest")


def test_real_registry_restarts(real: RealRegistry, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    layout = Layout(make_layout(tmp_path / "large", seed=7))
    real.stop()
    real.start()
    process = run_push(layout, real, "--tag", "1", "--jobs", "1", "-v")
    assert process.stderr
    # The first blob is there: the registry dies now, and comes back.
    assert "pushed" in process.stderr.readline()
    real.stop()
    time.sleep(0.3)
    real.start()
    _, err = process.communicate()
    assert process.returncode == 0, err
    read_back(real, layout, "1")


def test_real_push_killed(real: RealRegistry, layout: Layout) -> None:
    process = run_push(layout, real, "--tag", "1", "--jobs", "1")
    assert process.stderr
    first = process.stderr.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    if process.returncode == -signal.SIGKILL:
        client = client_of(real.host, environment=login(real.folder, real.host))
        assert client.manifest_digest("1", layout.root()["mediaType"]) is None
    process = run_push(layout, real, "--tag", "1")
    _, err = process.communicate()
    assert process.returncode == 0, err
    # What had arrived is not sent again.
    assert first.split()[1] not in err
    read_back(real, layout, "1")
