"""Registries that mean harm: what they get, and what the user sees of it.

Each row is one trick. Logins must reach the registry and a token service it names over HTTPS, or
on this machine; the user sees one line, without control characters, in time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.net import certificates, limits
from tools.net.raw_server import RawServer, Say, endless, once
from tools.oci.assembler.layout import Layout
from tools.oci.registry import push
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.push_fixtures import login, make_layout

SECRETS = (b"YWRhOnNlY3JldDox", b"secret", b"1dentity")
SECONDS = 60.0
Pair = tuple[Path, Path]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(make_layout(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return certificates.make(tmp_path_factory.mktemp("tls"), "127.0.0.1", "localhost")


@pytest.fixture(autouse=True)
def shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"IDLE": 0.5, "WHOLE": 1.0, "COMMIT": 1.0, "PAUSE": 0, "LONGEST_PAUSE": 0}
    for name, value in {**small, "ATTEMPTS": 2}.items():
        monkeypatch.setattr(limits, name, value)


def answer(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")


def run(
    registry: RawServer,
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """Push; return the one line that says why it failed."""
    for key, value in login(tmp_path, registry.host).items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    began = time.monotonic()
    arguments = ["--image", str(layout.path), "--repository", f"{registry.host}/team/app"]
    status = push.main([*arguments, "--tag", "1", "--jobs", "1"])
    assert time.monotonic() - began < SECONDS
    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    *before, last = err.splitlines()
    assert all(line.startswith("pushed sha256:") for line in before)
    assert last.startswith("push: ")
    assert last.isprintable()
    assert len(last) < 1500
    assert PASSWORD not in err and "YWRhOnNlY3JldDox" not in err
    return last


# --- token realms and redirections: who gets the login -------------------------------------------

# What the registry, which speaks HTTPS, names as its token service; {evil} listens on this machine.
REALMS = [
    "http://{evil}/token",
    "HTTP://{evil}/token",
    "http://registry.invalid/token",
    "http://user:pw@{evil}/token",
    "http://{evil}\\@registry.invalid/token",
    "//{evil}/token",
    "ftp://{evil}/token",
    "file:///etc/passwd",
    "gopher://{evil}/",
    "",
    " ",
    "http://[::1",
    "https://127.1:443/token",
    "https://0x7f000001/token",
    "https://127.0.0.1:99999/token",
    "https://127.0.0.1:x/token",
    "https://ev\x1b[2Jil/token",
    "https://\xe9vil.invalid/token",
    "https://evil.invalid/" + "a" * 7000,
    "data:text/json,{}",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("realm", REALMS, ids=lambda realm: realm[:30])
def test_token_realms(
    layout: Layout,
    pair: Pair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    realm: str,
) -> None:
    token = answer("200 OK", body='{"token": "t"}')
    with RawServer(lambda _asked: iter([token])) as evil:
        realm = realm.replace("{evil}", evil.host)
        challenge = f'WWW-Authenticate: Bearer realm="{realm}",service="s"'
        # A registry elsewhere: it isn't trusted with what listens on this machine.
        monkeypatch.setattr("tools.net.origin.Origin.is_loopback", False)
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
        with RawServer(lambda _a: iter([answer("401 No", challenge)]), pair) as registry:
            run(registry, layout, tmp_path, monkeypatch, capsys)
            assert not any(secret in asked for asked in registry.asked for secret in SECRETS)
        assert not any(secret in asked for asked in evil.asked for secret in SECRETS)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["password", "identity token"])
def test_a_token_service_that_redirects(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    status: int,
) -> None:
    token = answer("200 OK", body='{"token": "t"}')
    with RawServer(lambda _asked: iter([token])) as evil, RawServer(endless(b"", b"")) as registry:

        def say(asked: bytes) -> Iterator[bytes]:
            if b"/token" in asked.partition(b"\r\n")[0]:
                yield answer(f"{status} Moved", f"Location: http://{evil.host}/steal")
            else:
                realm = f"http://{registry.host}/token"
                yield answer("401 No", f'WWW-Authenticate: Bearer realm="{realm}"')

        registry.say = say
        if kind == "identity token":
            config = {"auths": {registry.host: {"identitytoken": "1dentity"}}}
            (tmp_path / "auth.json").write_text(json.dumps(config))
            run_with = tmp_path / "auth.json"
            monkeypatch.setattr(
                "tools.oci.registry.credentials.auth_files", lambda _environment: [run_with]
            )
        run(registry, layout, tmp_path, monkeypatch, capsys)
        assert not any(secret in asked for asked in evil.asked for secret in SECRETS)
        assert not any(asked.startswith(b"POST") for asked in evil.asked)


def test_a_registry_that_redirects_to_one_that_asks(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for challenge in ("Basic realm=x", "Bearer realm={}"):
        with RawServer(endless(b"", b"")) as evil, RawServer(endless(b"", b"")) as registry:
            wants = challenge.format(f'"http://{evil.host}/token"')
            evil.say = once(answer("401 No", f"WWW-Authenticate: {wants}"))
            registry.say = once(answer("307 There", f"Location: http://{evil.host}/v2/"))
            said = run(registry, layout, tmp_path, monkeypatch, capsys)
            assert "it is not given that of another registry" in said
            assert not any(secret in asked for asked in evil.asked for secret in SECRETS)


# --- what else a registry may answer -------------------------------------------------------------

CHALLENGE = "401 No"
HEADERS: list[tuple[str, bytes]] = [
    ("challenge of 16 kB", answer(CHALLENGE, "WWW-Authenticate: Bearer " + 'a="' * 5400)),
    ("challenge, unclosed", answer(CHALLENGE, 'WWW-Authenticate: Bearer realm="' + "\\" * 7000)),
    ("challenge, none", answer(CHALLENGE)),
    ("challenge, unknown", answer(CHALLENGE, "WWW-Authenticate: \x1b[31mNTLM\x07")),
    ("challenge, folded", answer(CHALLENGE, "WWW-Authenticate: Bearer\r\n realm=\x0b")),
    ("Location, none there", answer("307 There", "Location: http://[")),
    ("Location, a NUL", answer("307 There", "Location: /\x00")),
    ("Location, endless", answer("307 There", "Location: /v2/")),
    ("Location, a file", answer("307 There", "Location: file:///etc/passwd")),
    ("Location, a port", answer("307 There", "Location: http://127.0.0.1:-1/")),
    ("Location, bytes", answer("307 There", "Location: http://\xff\xfe/")),
    ("Retry-After, digits", answer("503 Busy", "Retry-After: " + "9" * 5000)),
    ("Retry-After, other digits", answer("503 Busy", "Retry-After: \xb2")),
    ("Retry-After, negative", answer("503 Busy", "Retry-After: -1")),
    ("Retry-After, not a number", answer("503 Busy", "Retry-After: nan")),
    ("Retry-After, a date", answer("503 Busy", "Retry-After: Wed, 99 Oct 2015 99:99:99 GMT")),
    ("Content-Length, negative", b"HTTP/1.1 500 X\r\nContent-Length: -5\r\n\r\n"),
    ("Content-Length, long", b"HTTP/1.1 500 X\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    ("Content-Length, two", b"HTTP/1.1 500 X\r\nContent-Length: 1, 2\r\n\r\nab"),
    ("chunk size", b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    ("encoding", answer("500 X", "Content-Encoding: gzip", body="no gzip")),
    ("status", b"HTTP/1.1 999 \x1b[2J\r\nContent-Length: 0\r\n\r\n"),
    ("status, none", b"HTTP/1.1 abc\r\n\r\n"),
    ("headers without end", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200),
    ("no header", b"HTTP/1.1 200 OK\r\nno header at all\r\n\r\n"),
    ("errors, of other types", answer("400 No", body='{"errors": [5, null, {"code": []}]}')),
    ("errors, deep", answer("400 No", body="[" * 10_000)),
    ("errors, escapes", answer("400 No", body='{"errors": [{"message": "\\u001b[2J\\u202e"}]}')),
    ("errors, raw escapes", answer("400 No", body="\x1b]0;title\x07\r\npush: all is well")),
]


@pytest.mark.parametrize("said", [s for _, s in HEADERS], ids=[name for name, _ in HEADERS])
@pytest.mark.parametrize("at", ["/v2/ ", "/blobs/sha256", "POST", "PATCH", "PUT"])
def test_answers(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: bytes,
    at: str,
) -> None:
    def say(asked: bytes) -> Iterator[bytes]:
        line = asked.partition(b"\r\n")[0]
        yield said if at.encode() in line else good(asked)

    with RawServer(say) as registry:
        run(registry, layout, tmp_path, monkeypatch, capsys)


def good(asked: bytes) -> bytes:
    """What a registry says that has nothing yet and takes everything."""
    method, path = asked.split()[:2]
    if path == b"/v2/":
        return answer("200 OK")
    if method == b"POST":
        return answer("202 Accepted", "Location: /v2/team/app/blobs/uploads/1")
    return answer({b"PATCH": "202 Accepted", b"PUT": "201 Created"}.get(method, "404 Not Found"))


TOKENS = [
    '{"token": "a\\nX-Header: b"}',
    '{"token": "a\\u0000"}',
    '{"token": "\\u001b[2J"}',
    '{"token": "\\u00e9"}',
    '{"token": 5}',
    '{"token": ["a"]}',
    '{"access_token": {}}',
    '{"token": ""}',
    "{}",
    "[]",
    "null",
    "[" * 100_000,
    '{"token": "' + "a" * (limits.TOKEN + 1) + '"}',
    "<html>\x1b[2J",
]


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:24])
def test_tokens(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: str,
) -> None:
    with RawServer(endless(b"", b"")) as registry:

        def say(asked: bytes) -> Iterator[bytes]:
            if asked.startswith(b"GET /token"):
                yield answer("200 OK", body=token)
            else:
                realm = f"http://{registry.host}/token"
                yield answer("401 No", f'WWW-Authenticate: Bearer realm="{realm}"')

        registry.say = say
        run(registry, layout, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    "said",
    [
        endless(b"HTTP/1.1 404 X\r\n\r\n", b"x" * 65536),
        endless(b"HTTP/1.1 200 X\r\n\r\n", b"x", 0.05),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        endless(b"", b"x", 0.05),
        endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
    ],
    ids=["endless body", "a byte now and then", "100 Continue", "no head", "endless head"],
)
def test_without_end(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: Say,
) -> None:
    with RawServer(said) as registry:
        run(registry, layout, tmp_path, monkeypatch, capsys)


# --- uploads -------------------------------------------------------------------------------------


def test_a_registry_that_stores_nothing(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = "Docker-Content-Digest: sha256:" + hashlib.sha256(b"other").hexdigest()

    def say(asked: bytes) -> Iterator[bytes]:
        put = asked.startswith(b"PUT")
        yield answer("201 Created", other) if put else good(asked)

    with RawServer(say) as registry:
        said = run(registry, layout, tmp_path, monkeypatch, capsys)
        assert "doesn't have blob sha256:" in said


@pytest.mark.parametrize("method", [b"PATCH", b"PUT", b"DELETE", b"GET"])
def test_uploads_elsewhere_get_no_login(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    method: bytes,
) -> None:
    with RawServer(lambda _asked: iter([answer("500 X")])) as evil:

        def say(asked: bytes) -> Iterator[bytes]:
            if asked.startswith(b"POST"):
                yield answer("202 Accepted", f"Location: http://{evil.host}/up?delete=all")
            elif b"Authorization" not in asked:
                yield answer("401 No", "WWW-Authenticate: Basic realm=x")
            else:
                yield good(asked)

        with RawServer(say) as registry:
            monkeypatch.setattr(
                push, "mount_sources", lambda *_: ["team/base"] if method == b"DELETE" else []
            )
            run(registry, layout, tmp_path, monkeypatch, capsys)
        assert not any(asked.startswith((b"DELETE", b"GET")) for asked in evil.asked)
        assert not any(b"Authorization" in asked for asked in evil.asked)


@pytest.mark.parametrize("scheme", ["http://registry.invalid", "ftp://127.0.0.1", "http://["])
def test_uploads_that_go_nowhere(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scheme: str,
) -> None:
    def say(asked: bytes) -> Iterator[bytes]:
        post = asked.startswith(b"POST")
        yield answer("202 Accepted", f"Location: {scheme}/x") if post else good(asked)

    with RawServer(say) as registry:
        assert "sends on to" in run(registry, layout, tmp_path, monkeypatch, capsys)


def test_the_users_name_is_ada() -> None:
    # Else SECRETS stand for nothing.
    assert f"{USER}:{PASSWORD}" == "ada:secret:1"
