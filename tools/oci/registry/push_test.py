"""Pushing to a fake registry, with every fault a real one may have."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tools.cli.transfer import Transfer
from tools.oci.assembler import image, layer
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError
from tools.oci.registry import push
from tools.oci.registry.client import Client
from tools.oci.registry.fake_registry import FakeRegistry, Fault
from tools.oci.registry.push_fixtures import LAYER_SIZE, client_of, login, make_layout
from tools.oci.registry.reference import Repository, check_tag, parse_repository
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(make_layout(tmp_path_factory.mktemp("images")))


def pushed(registry: FakeRegistry, layout: Layout, *tags: str) -> push.Summary:
    progress = Transfer()
    summary = push.push(client_of(registry.host), [push.Image(layout, tags)], progress)
    assert progress.done == progress.total == summary.sent
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
        summary = push.push(client_of(registry.host), images, Transfer())
        assert_whole(registry, layout, "all")
        assert (len(summary.blobs), len(summary.manifests)) == (5, 3)


def test_blobs_are_mounted_from_where_they_are(layout: Layout, tmp_path: Path) -> None:
    _, manifest = layout.images()[0]
    shared = manifest["layers"][0]["digest"]
    with FakeRegistry(auth="bearer") as registry:
        registry.others["team/base"] = {shared: layout.blob(shared).read_bytes()}
        sources = ("team/none", "team/base")
        environment = login(tmp_path, registry.host)
        client = client_of(registry.host, environment=environment)
        options = push.Options(mount_from=sources)
        summary = push.push(client, [push.Image(layout, ("1",))], Transfer(), options)
        assert (summary.mounted, len(summary.blobs)) == ([shared], 4)
        assert "sent 4 blobs (6.0 MB), mounted 1," in str(summary)
        assert registry.received == summary.sent
        assert_whole(registry, layout, "1")
        # A token of its own for each: one that is refused must not cost the others.
        assert registry.scopes == ["repository:team/app:pull,push", "repository:team/base:pull"]
        # Uploads begun in vain are taken back.
        assert len(registry.uploads) == len(summary.blobs)
        again = push.push(client, [push.Image(layout, ("1",))], Transfer(), options)
        assert (again.mounted, again.present) == ([], 9)


def test_a_registry_that_knows_no_mounting(layout: Layout) -> None:
    faults = [
        Fault("POST", "/uploads/", status=405, times=1),
        Fault("DELETE", "/uploads/", status=405, times=99),
    ]
    with FakeRegistry(faults=faults) as registry:
        options = push.Options(mount_from=["team/base"])
        push.push(client_of(registry.host), [push.Image(layout, ("1",))], Transfer(), options)
        assert_whole(registry, layout, "1")


def test_where_blobs_may_be_mounted_from(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(bytes(1024))
    layer.write(tmp_path / "l", tmp_path / "facts")
    images = []
    for number, base in enumerate(
        ("host.example:5000/team/base:1@sha256:0", "other.example/x:1", "debian:trixie", "")
    ):
        spec = image.ImageSpec(
            platform={"architecture": "amd64", "os": "linux"},
            annotations={"org.opencontainers.image.base.name": base} if base else None,
        )
        image.build(spec, tmp_path / str(number))
        images.append(push.Image(Layout(tmp_path / str(number))))
    target = parse_repository("host.example:5000/team/app")
    assert push.mount_sources(["a", "team/app"], images, target) == ["a", "team/base"]
    with pytest.raises(RegistryError, match="'host:1/a': not a repository's path"):
        push.mount_sources(["host:1/a"], [], target)


def test_layers_the_registry_has_are_not_fetched(tmp_path: Path) -> None:
    whole = Layout(make_layout(tmp_path, outline=True))
    lean = Layout(tmp_path / "bazel-out/index.outline")
    built: list[list[str]] = []
    options = push.Options(build=built.append)
    with FakeRegistry() as registry:
        shared = whole.images()[0][1]["layers"][0]["digest"]
        registry.blobs[shared] = b"there already"
        (tmp_path / "common.tar").unlink()
        (tmp_path / "bazel-out/common.tar").unlink()
        client = client_of(registry.host)
        summary = push.push(client, [push.Image(lean, ("1",))], Transfer(), options)
        assert (built, len(summary.blobs), summary.tags) == ([], 4, ["1"])
        # Missing there and here: it has to be built, and the registry gets no tag without it.
        del registry.blobs[shared]
        with pytest.raises(OciError, match=r"common\.tar: not the layer"):
            push.push(client, [push.Image(lean, ("2",))], Transfer(), options)
        assert built == [["//:common"]]
        assert "2" not in registry.manifests


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


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_authorisation(layout: Layout, tmp_path: Path, auth: str) -> None:
    with FakeRegistry(auth=auth) as registry:
        client = client_of(registry.host, environment=login(tmp_path, registry.host))
        push.push(client, [push.Image(layout, ("1",))], Transfer())
        assert_whole(registry, layout, "1")
        # An access token that runs out half-way is renewed.
        registry.faults = [Fault("HEAD", "/blobs/", status=401)]
        push.push(client, [push.Image(layout, ("1",))], Transfer())
        for environment in ({}, login(tmp_path, registry.host, "wrong")):
            with pytest.raises(RegistryError, match=r"not authorised: .*log in to 127\.0\.0\.1"):
                client_of(registry.host, environment=environment).has_blob("sha256:" + "0" * 64)


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


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody has signed, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("SKIPPED: openssl is not installed here")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem", folder / "key.pem"


def distant(host: str, *, insecure: bool = False) -> Transport:
    """A transport that takes the registry for one that is not on this machine."""

    @dataclasses.dataclass(frozen=True)
    class Distant(Repository):
        is_loopback = False

    return Transport(
        Distant(host, "team/app"), insecure=insecure, environment={}, sleep=lambda _seconds: None
    )


def test_tls(
    layout: Layout, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with FakeRegistry(certificate=certificate) as registry:
        with pytest.raises(
            RegistryError, match=r"certificate is not trusted: self.signed.*SSL_CERT"
        ):
            distant(registry.host).connect()
        assert not registry.requests
        distant(registry.host, insecure=True).connect()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        transport = distant(registry.host)
        transport.connect()
        push.push(Client(transport), [push.Image(layout, ("1",))], Transfer())
        assert_whole(registry, layout, "1")


def test_plain_http_must_be_allowed(layout: Layout) -> None:
    with FakeRegistry() as registry:
        with pytest.raises(RegistryError, match=r"does not speak TLS .*--insecure allows"):
            distant(registry.host).connect()
        assert ("GET", "/v2/") not in registry.requests
        distant(registry.host, insecure=True).connect()
        assert registry.requests["GET", "/v2/"] == 1


def test_an_unknown_host() -> None:
    with pytest.raises(RegistryError, match=r"registry\.invalid: unknown host"):
        distant("registry.invalid").connect()
