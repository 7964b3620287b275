"""All registries of zoo.yaml: pushed to through a proxy with a login; skopeo goes there, too."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.net import certificates, limits
from tools.oci.assembler.layout import Layout
from tools.oci.attest import referrers
from tools.oci.registry import push
from tools.oci.registry.client import Client
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.push_fixtures import login, make_layout
from tools.oci.registry.real_registry import RealRegistry
from tools.oci.registry.reference import Repository
from tools.oci.registry.token_service import IDENTITY, SECRET, TokenService
from tools.oci.registry.transport import Transport
from tools.oci.registry.zoo_front import HOST, STORAGE, Front, Proxy

HERE = Path(__file__).parent
ZOO: list[dict[str, Any]] = yaml.safe_load((HERE / "zoo.yaml").read_text())
MIB = 1 << 20
# What is left after the cut is more than GitHub's largest chunk.
LAYER, CUT = 5 * MIB, MIB // 2


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> list[Layout]:
    """Three images, the first of which is small."""
    folders = [tmp_path_factory.mktemp("images") for _ in range(3)]
    return [
        Layout(make_layout(folder, seed=number + 1, size=LAYER if number else 1000))
        for number, folder in enumerate(folders)
    ]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificates.make(tmp_path_factory.mktemp("tls"), HOST, STORAGE)


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> TokenService:
    return TokenService(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def backends(
    tmp_path_factory: pytest.TempPathFactory, tokens: TokenService
) -> Iterator[dict[bool, RealRegistry]]:
    """Real registries: one without logins, one that wants tokens and holds them to their scopes."""
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    settings = tokens.settings(f"https://{HOST}/token")
    running = {
        False: RealRegistry(tmp_path_factory.mktemp("open")),
        True: RealRegistry(tmp_path_factory.mktemp("tokens"), token=settings),
    }
    yield running
    for registry in running.values():
        registry.stop()


@pytest.fixture(params=ZOO, ids=lambda row: slug(row["name"]))
def row(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


@pytest.fixture
def front(
    row: dict[str, Any],
    backends: dict[bool, RealRegistry],
    pair: tuple[Path, Path],
    proxy: Proxy,
    tokens: TokenService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Front]:
    """The registry of a row; the environment leads to it, and has the login."""
    tokens.last_scope_only = bool(row["quirks"].get("last_scope_only"))
    tokens.identity_only = row["login"] == "identity"
    service = None if row["login"] == "basic" else tokens
    for name in ("http_proxy", "https_proxy", "no_proxy", "NO_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in login(tmp_path, HOST).items():
        monkeypatch.setenv(name, value)
    if tokens.identity_only:
        # As `az acr login` writes it: a user that means nothing.
        nobody = base64.b64encode(b"00000000-0000-0000-0000-000000000000:").decode()
        entry = {"auths": {HOST: {"auth": nobody, "identitytoken": IDENTITY}}}
        (tmp_path / "config.json").write_text(json.dumps(entry))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "config.json"))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    monkeypatch.setattr(limits, "PAUSE", 0.01)
    with Front(backends[service is not None].host, pair, row["quirks"], service) as running:
        proxy.port = running.port
        yield running


def pushed(
    front: Front, layout: Layout, path: str, capsys: pytest.CaptureFixture[str], *more: str
) -> str:
    """Push; return what is said on standard error."""
    front.seen.clear()
    arguments = ["--image", str(layout.path), "--repository", f"{HOST}/{path}", "--tag", "1"]
    status = push.main([*arguments, *more])
    out, err = capsys.readouterr()
    assert status == 0, err
    assert out == f"{HOST}/{path}@{layout.root()['digest']}\n"
    return err


def way(front: Front) -> str:
    """In a word, how large blobs were sent."""
    large = [one for one in front.seen if one.length > MIB // 2 and 200 <= one.status < 300]
    if all(one.method == "PUT" for one in large):
        return "one PUT"
    return "chunks" if any(one.ranged for one in large) else "one PATCH"


def client_of(path: str) -> Client:
    transport = Transport(Repository(HOST, path))
    transport.connect()
    return Client(transport)


def test_a_push(
    row: dict[str, Any],
    front: Front,
    proxy: Proxy,
    layouts: list[Layout],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, before = f"zoo/{slug(row['name'])}", proxy.used
    pushed(front, layouts[2], path, capsys)
    assert way(front) == row["outcome"]["push"]
    assert proxy.used > before
    client = client_of(path)
    root = layouts[2].root()
    assert client.manifest_digest("1", root["mediaType"]) == root["digest"]
    # Once more: nothing is sent.
    assert "sent 0 blobs" in pushed(front, layouts[2], path, capsys)


def test_mounting(
    row: dict[str, Any], front: Front, layouts: list[Layout], capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"mounts/{slug(row['name'])}"
    pushed(front, layouts[0], path, capsys)
    # Into another repository, from there; from one that nobody may read; from one that isn't.
    sources = (f"--mount-from={path}", f"--mount-from={SECRET}base", "--mount-from=zoo/none")
    for number, source in enumerate(sources):
        said = pushed(front, layouts[0], f"other{number}/{path}", capsys, source)
        mounted = "mounted 5" in said
        assert mounted == (number == 0 and row["outcome"]["mount"] == "yes"), said


def test_an_upload_that_is_cut_off(
    row: dict[str, Any],
    front: Front,
    layouts: list[Layout],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = f"cut/{slug(row['name'])}"
    front.cut_after = CUT
    pushed(front, layouts[1], path, capsys, "--jobs=1")
    assert front.cut_after == 0
    large = [one for one in front.seen if one.status < 300 and one.length > 1000]
    total = 3 * LAYER
    # Of what was cut off, what had arrived is not sent again, or all is.
    sent = sum(one.length for one in large if one.method in ("PATCH", "PUT"))
    assert ("goes on" if sent < total + MIB // 4 else "begins anew") == row["outcome"]["resume"]


def test_documents_are_attached(
    row: dict[str, Any],
    front: Front,
    layouts: list[Layout],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = f"zoo/{slug(row['name'])}"
    pushed(front, layouts[0], path, capsys)
    client = client_of(path)
    entry, _ = layouts[0].images()[0]
    (tmp_path / "document").write_text("text")
    document = referrers.Document(tmp_path / "document", "text/plain", "2026-01-02T03:04:05Z")
    digest = referrers.attach(client, entry, document)
    assert [one["digest"] for one in referrers.attached(client, entry["digest"])] == [digest]


def test_skopeo_pushes_there_too(
    row: dict[str, Any], front: Front, layouts: list[Layout], tmp_path: Path
) -> None:
    """The control: where skopeo can't push either, the front is wrong, or the row says so."""
    if not shutil.which("skopeo"):
        pytest.skip("SKIPPED: skopeo is not installed here")
    target = f"docker://{HOST}/skopeo/{slug(row['name'])}:1"
    command = ["skopeo", "copy", "--quiet", "--all", "--preserve-digests", "--insecure-policy"]
    done = subprocess.run(
        [*command, f"--authfile={tmp_path}/config.json", f"oci:{layouts[2].path}", target],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("no" if done.returncode else "yes") == row["outcome"]["skopeo"], done.stderr


def test_the_login_is_the_fixtures() -> None:
    assert (USER, PASSWORD) == ("ada", "secret:1")


def test_the_documentation_has_the_table() -> None:
    rows = []
    for entry in ZOO:
        outcome = entry["outcome"]
        sources = " ".join(
            f"[{number}]({url})" for number, url in enumerate(entry["sources"], start=1)
        )
        cells = (outcome["push"], outcome["resume"], outcome["mount"], "yes", "yes", entry["login"])
        rows.append(f"| {entry['name']} | {' | '.join(cells)} | {outcome['skopeo']} | {sources} |")
    assert "\n".join(rows) in Path("docs/oci.md").read_text()


def test_every_quirk_has_a_source() -> None:
    for entry in ZOO:
        assert entry["sources"], entry["name"]
        assert all(url.startswith("https://github.com/") for url in entry["sources"])
