"""Which certificates are trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.net import certificates, origin, tls
from tools.net.net_errors import NotTlsError, PolicyError, UntrustedError
from tools.net.raw_server import RawServer, once
from tools.net.session import Request, Session

OK = once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
Pair = tuple[Path, Path]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return certificates.make(tmp_path_factory.mktemp("tls"), "127.0.0.1", "registry.example")


@pytest.fixture(autouse=True)
def ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setattr(tls, "CERTS_D", (str(tmp_path / "containers"), str(tmp_path / "docker")))


def ask(server: RawServer, *, insecure: bool = False, **environment: str) -> bytes:
    session = Session(insecure=insecure, environment=environment, sleep=lambda _seconds: None)
    return session.request(Request("GET", origin.parse(f"https://{server.host}/"), limit=9)).body


def test_nobody_has_signed_it(pair: Pair) -> None:
    with RawServer(OK, pair) as server:
        with pytest.raises(UntrustedError, match=r"not trusted: self.signed.*SSL_CERT_FILE"):
            ask(server)
        assert not server.asked
        assert ask(server, insecure=True) == b"hi"
        assert ask(server, SSL_CERT_FILE=str(pair[0])) == b"hi"


@pytest.mark.parametrize("root", ["containers", "docker", ".config/containers/certs.d"])
def test_certs_d(pair: Pair, tmp_path: Path, root: str) -> None:
    with RawServer(OK, pair) as server, RawServer(OK, pair) as other:
        folder = tmp_path / root / server.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(pair[0].read_bytes())
        assert ask(server, HOME=str(tmp_path)) == b"hi"
        # It is for that host and port alone.
        with pytest.raises(UntrustedError):
            ask(other, HOME=str(tmp_path))


def test_a_certificate_of_ones_own(pair: Pair, tmp_path: Path) -> None:
    folder = tmp_path / "docker/registry.example"
    folder.mkdir(parents=True)
    (folder / "client.cert").write_bytes(pair[0].read_bytes())
    target = origin.authority("registry.example")
    with pytest.raises(PolicyError, match=r"client\.cert: can't be used"):
        tls.context_for(target, {})
    (folder / "client.key").write_bytes(pair[1].read_bytes())
    tls.context_for(target, {})


def test_broken_files(tmp_path: Path) -> None:
    target = origin.authority("registry.example")
    with pytest.raises(PolicyError, match=r"none: can't be used as a certificate: .*No such file"):
        tls.context_for(target, {"SSL_CERT_FILE": str(tmp_path / "none")})
    (tmp_path / "text").write_text("hello")
    with pytest.raises(PolicyError, match="text: can't be used as a certificate"):
        tls.context_for(target, {"SSL_CERT_FILE": str(tmp_path / "text")})


def test_another_hosts_certificate(tmp_path: Path) -> None:
    mine = certificates.make(tmp_path, "other.example")
    with RawServer(OK, mine) as server, pytest.raises(UntrustedError, match=r"127\.0\.0\.1"):
        ask(server, SSL_CERT_FILE=str(mine[0]))


def test_no_tls_there() -> None:
    with RawServer(once(b"")) as server:
        server._talk = lambda connection: connection.sendall(b"hello\r\n" * 9)  # type: ignore[method-assign]
        with pytest.raises(NotTlsError, match="does not speak TLS"):
            ask(server)
