"""Pushing to a fake registry with every fault, and to a real one (Debian's docker-registry)."""

from __future__ import annotations

import base64
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

from tools.oci.assembler import image, index, layer
from tools.oci.assembler.layout import Layout
from tools.oci.registry import push
from tools.oci.registry.client import Client
from tools.oci.registry.errors import RegistryError
from tools.oci.registry.fake_registry import PASSWORD, USER, FakeRegistry, Fault
from tools.oci.registry.progress import Progress
from tools.oci.registry.reference import Repository, check_tag, parse_repository
from tools.oci.registry.transport import Transport, parse_challenges

LAYER_SIZE = 3_000_000


def make_layout(folder: Path, seed: int = 0) -> Path:
    """An index of two images that share a layer (uncompressed: any bytes will do here)."""
    for number, name in enumerate(("common", "amd64", "arm64")):
        data = bytes([seed, number]) * (LAYER_SIZE // 2)
        (folder / f"{name}.tar").write_bytes(data)
        layer.write(folder / f"{name}.tar", folder / f"{name}.json")
    for name in ("amd64", "arm64"):
        spec = image.ImageSpec(
            platform={"architecture": name, "os": "linux"},
            layers=[
                image.LayerSource(folder / f"{part}.tar", folder / f"{part}.json", part)
                for part in ("common", name)
            ],
        )
        image.build(spec, folder / f"image_{name}")
    index.build([folder / "image_amd64", folder / "image_arm64"], {}, folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(make_layout(tmp_path_factory.mktemp("images")))


def client_of(
    host: str, path: str = "team/app", environment: dict[str, str] | None = None
) -> Client:
    transport = Transport(
        Repository(host, path), environment=environment or {}, sleep=lambda _seconds: None
    )
    transport.connect()
    return Client(transport)


def pushed(registry: FakeRegistry, layout: Layout, *tags: str) -> push.Summary:
    progress = Progress()
    summary = push.push(client_of(registry.host), [push.Image(layout, tags)], progress)
    assert progress.sent == progress.total == summary.sent
    return summary


def assert_whole(registry: FakeRegistry, layout: Layout, *tags: str) -> None:
    for entry, manifest in layout.images():
        assert entry["digest"] in registry.manifests
        for blob in (manifest["config"], *manifest["layers"]):
            assert registry.blobs[blob["digest"]] == layout.blob(blob["digest"]).read_bytes()
    for tag in tags:
        assert registry.manifests[tag] == registry.manifests[layout.root()["digest"]]


def test_all_is_pushed_once(layout: Layout) -> None:
    with FakeRegistry() as registry:
        summary = pushed(registry, layout, "1", "1.2")
        assert_whole(registry, layout, "1", "1.2")
        assert (len(summary.blobs), len(summary.manifests), summary.tags) == (5, 3, ["1", "1.2"])
        assert registry.received == summary.sent > 3 * LAYER_SIZE
        # Again: only questions are asked.
        registry.requests.clear()
        again = pushed(registry, layout, "1", "1.2")
        assert (again.blobs, again.manifests, again.tags, again.present) == ([], [], [], 10)
        assert {method for method, _ in registry.requests} == {"HEAD", "GET"}
        assert registry.requests["GET", "/v2/"] == registry.requests.total() - 10


def test_images_share_what_they_have_in_common(layout: Layout, tmp_path: Path) -> None:
    single = Layout(layout.path.parent / "image_amd64")
    with FakeRegistry() as registry:
        images = [push.Image(single, ("amd64",)), push.Image(layout, ("all",))]
        summary = push.push(client_of(registry.host), images, Progress())
        assert_whole(registry, layout, "all")
        assert (len(summary.blobs), len(summary.manifests)) == (5, 3)


UPLOAD = "/uploads/."


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("HEAD", "/blobs/", status=503, times=2)],
        [Fault("POST", "/uploads/", status=500)],
        [Fault("GET", "/v2/$", status=502)],
        [Fault("PUT", "/manifests/", status=504, times=3)],
        [Fault("PUT", "/manifests/", status=429, headers={"Retry-After": "7"})],
        [Fault("PUT", "/manifests/", drop_after=10)],
        [Fault("PUT", UPLOAD, drop_after=0, times=2)],
        [Fault("PATCH", UPLOAD, drop_after=0)],
        [Fault("PATCH", UPLOAD, drop_after=1)],
        [Fault("PATCH", UPLOAD, drop_after=1_000_000, times=4)],
        [Fault("PATCH", UPLOAD, status=503, times=2)],
        # The upload is forgotten meanwhile, or its state can't be told: from the beginning.
        [Fault("PATCH", UPLOAD, drop_after=900_000), Fault("GET", UPLOAD, status=404)],
        # All bytes have arrived, but not the answer.
        [Fault("PATCH", UPLOAD, drop_after=LAYER_SIZE)],
    ],
    ids=lambda faults: " ".join(f"{f.method}{f.path}:{f.status or f.drop_after}" for f in faults),
)
def test_faults_are_overcome(layout: Layout, faults: list[Fault]) -> None:
    with FakeRegistry(faults=faults) as registry:
        pushed(registry, layout, "1")
        assert_whole(registry, layout, "1")
        assert not any(fault.times for fault in faults)


def test_an_upload_goes_on_where_it_broke_off(layout: Layout) -> None:
    with FakeRegistry(faults=[Fault("PATCH", UPLOAD, drop_after=2_000_000)]) as registry:
        summary = pushed(registry, layout)
        assert registry.received == summary.sent


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("PATCH", UPLOAD, status=503, times=99), "can't send blob .*503"),
        (Fault("PATCH", UPLOAD, drop_after=5, times=99), "can't send blob"),
        (Fault("PATCH", UPLOAD, status=413, times=99), "refuses blob .*413"),
        (Fault("PUT", "/manifests/sha256:", status=507, times=99), "refuses the manifest .*507"),
    ],
)
def test_no_tag_without_all_the_rest(layout: Layout, fault: Fault, why: str) -> None:
    with FakeRegistry(faults=[fault]) as registry:
        with pytest.raises(RegistryError, match=why):
            pushed(registry, layout, "1")
        assert "1" not in registry.manifests
        # Later it goes on.
        fault.times = 0
        before = set(registry.blobs)
        summary = pushed(registry, layout, "1")
        assert before.isdisjoint(summary.blobs)
        assert_whole(registry, layout, "1")


def login(folder: Path, host: str, password: str = PASSWORD) -> dict[str, str]:
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return {"DOCKER_CONFIG": str(folder)}


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_authorisation(layout: Layout, tmp_path: Path, auth: str) -> None:
    with FakeRegistry(auth=auth) as registry:
        client = client_of(registry.host, environment=login(tmp_path, registry.host))
        push.push(client, [push.Image(layout, ("1",))], Progress())
        assert_whole(registry, layout, "1")
        # An access token that runs out half-way is renewed.
        registry.faults = [Fault("HEAD", "/blobs/", status=401)]
        push.push(client, [push.Image(layout, ("1",))], Progress())
        for environment in ({}, login(tmp_path, registry.host, "wrong")):
            with pytest.raises(RegistryError, match=r"not authorised: .*log in to 127\.0\.0\.1"):
                client_of(registry.host, environment=environment).has_blob("sha256:0")


def test_nobody_there(capsys: pytest.CaptureFixture[str], layout: Layout) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = ["--image", str(layout.path), "--repository", f"{host}/a"]
    assert push.main(arguments) == 1
    assert capsys.readouterr().err == f"push: {host}: [Errno 111] Connection refused\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("app", "begins with its registry's host"),
        ("team/app", "begins with its registry's host"),
        ("localhost:5000/app:1", "no tag or digest"),
        ("localhost:5000/app@sha256:0", "no tag or digest"),
        ("localhost:5000/App", "lower-case"),
        ("localhost:5000/", "lower-case"),
    ],
)
def test_wrong_repositories(text: str, why: str) -> None:
    with pytest.raises(RegistryError, match=why):
        parse_repository(text)


def test_names() -> None:
    assert parse_repository("localhost/a").is_loopback
    assert parse_repository("[::1]:5000/a/b-c").is_loopback
    assert not parse_repository("registry.example:5000/a").is_loopback
    assert check_tag("3.13-slim") == "3.13-slim"
    with pytest.raises(RegistryError, match="a tag is up to 128"):
        check_tag("-x")


def test_challenges() -> None:
    assert parse_challenges('Bearer realm="https://a/t?x=1,2",service="s", Basic realm="b c"') == {
        "bearer": {"realm": "https://a/t?x=1,2", "service": "s"},
        "basic": {"realm": "b c"},
    }


# --- a real registry ----------------------------------------------------------------------------

# bcrypt of USER's PASSWORD, as htpasswd -B writes it.
HTPASSWD = "ada:$2b$04$Kws6dh53W.Jd4Ka7zixiI.Z7WTmvvCVyBQLbjs7b5ey/3/NXeygxy"


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
