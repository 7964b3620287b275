"""What a session sends to whom: redirections, logins, forms, proxies, attempts."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator

import pytest

from tools.net import limits, origin
from tools.net.net_errors import AbsentError, BrokenError, LimitError, PolicyError
from tools.net.origin import Url
from tools.net.raw_server import RawServer, once
from tools.net.session import Authorization, Request, Session

OK = once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


def moved(location: str, status: int = 307) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nConnection: close\r\n\r\n".encode()


def url(server: RawServer, path: str = "/") -> Url:
    return origin.parse(f"http://{server.host}{path}")


def session(**environment: str) -> Session:
    return Session(environment=environment, sleep=lambda _seconds: None)


def get(server: RawServer, **more: object) -> Request:
    login = Authorization(url(server).origin, "Basic c2VjcmV0")
    return Request("GET", url(server), authorization=login, limit=100, **more)  # type: ignore[arg-type]


def has_login(asked: bytes) -> bool:
    return b"c2VjcmV0" in asked


def test_a_login_stays_with_its_origin() -> None:
    with RawServer(OK) as storage, RawServer(OK) as registry:
        registry.say = once(moved(f"http://{storage.host}/blob"))
        answer = session().request(get(registry, headers={"Accept": "a/b", "X-Secret": "x"}))
        assert answer.body == b"hi"
        assert str(answer.url) == f"http://{storage.host}/blob"
        assert has_login(registry.asked[0])
        assert not has_login(storage.asked[0])
        assert b"a/b" in storage.asked[0]
        assert b"X-Secret" not in storage.asked[0]


def test_a_login_does_not_come_back() -> None:
    with RawServer(OK) as storage, RawServer(OK) as registry:

        def say(asked: bytes) -> Iterator[bytes]:
            first = asked.startswith(b"GET / ")
            yield moved(f"http://{storage.host}/") if first else b"HTTP/1.1 200 OK\r\n\r\n"

        registry.say = say
        storage.say = once(moved(f"http://{registry.host}/again"))
        session().request(get(registry))
        assert [has_login(asked) for asked in registry.asked] == [True, False]


def test_a_login_goes_along_within_its_origin() -> None:
    with RawServer(OK) as registry:

        def say(asked: bytes) -> Iterator[bytes]:
            moves = asked.startswith(b"GET / ")
            # In other words, the same origin.
            host = registry.host.replace("127.0.0.1", "127.0.0.1")
            yield moved(f"HTTP://{host}/next") if moves else b"HTTP/1.1 200 OK\r\n\r\n"

        registry.say = say
        session().request(get(registry))
        assert [has_login(asked) for asked in registry.asked] == [True, True]


def test_another_port_is_another_origin() -> None:
    with RawServer(OK) as registry:
        login = Authorization(origin.authority("127.0.0.1:1", "http"), "Basic c2VjcmV0")
        session().request(Request("GET", url(registry), authorization=login))
        assert not has_login(registry.asked[0])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_form_is_sent_once(status: int) -> None:
    with RawServer(OK) as other, RawServer(OK) as registry:
        registry.say = once(moved(f"http://{other.host}/", status))
        answer = session().request(
            Request("POST", url(registry), body=lambda: b"secret", length=6, form=True)
        )
        assert answer.status == status
        assert not other.asked


def test_a_body_goes_on_only_where_the_status_says_so() -> None:
    with RawServer(OK) as registry:
        registry.say = once(moved("/other", 302))
        request = Request("PUT", url(registry), body=lambda: b"x", length=1)
        assert session().request(request).status == 302
        registry.say = once(moved("/other", 308))
        with pytest.raises(LimitError, match="more than 5 redirections"):
            session().request(request)
        assert registry.asked[-1].startswith(b"PUT /other ")


@pytest.mark.parametrize(
    "location",
    [
        "http://registry.invalid/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//registry.invalid/x",
        "http://127.1/",
        "http://ada@127.0.0.1/",
        "/a b",
        "/\x1b[2J",
        "/ä",
        "http://[",
        "http://127.0.0.1:99999/",
        "/" + "x" * 9000,
    ],
)
def test_where_nothing_is_sent_on(location: str) -> None:
    with RawServer(once(moved(location))) as registry:
        with pytest.raises(PolicyError) as caught:
            session().request(get(registry))
        assert len(registry.asked) == 1
        assert str(caught.value).isprintable()


def test_too_many_redirections() -> None:
    with RawServer(once(moved("/"))) as registry:
        with pytest.raises(LimitError, match="more than 5 redirections"):
            session().request(get(registry))
        assert len(registry.asked) == limits.REDIRECTIONS + 1


def test_plain_http_is_for_this_machine() -> None:
    with pytest.raises(PolicyError, match=r"http://registry\.invalid/x: not an HTTPS address"):
        session().request(Request("GET", origin.parse("http://registry.invalid/x?secret")))
    checked = session()
    secure = origin.parse("https://registry.example/")
    with pytest.raises(PolicyError, match=r"leads to .*, which is not HTTPS"):
        checked.check(origin.parse("http://127.0.0.1/"), secure)
    Session(insecure=True).check(origin.parse("http://registry.example/"), secure)


def test_signed_content_may_come_over_plain_http() -> None:
    plain, secure = (origin.parse(f"{kind}://mirror.example/") for kind in ("http", "https"))
    mirror = Session(signed=True)
    mirror.check(plain)
    mirror.check(plain, plain)
    with pytest.raises(PolicyError, match=r"is not HTTPS|not an HTTPS address"):
        mirror.check(plain, secure)


def test_a_download() -> None:
    pieces: list[bytes] = []
    sizes: list[int | None] = []
    with RawServer(OK) as server:
        request = Request("GET", url(server), limit=9, take=pieces.append, expect=sizes.append)
        assert session().request(request).body == b""
        assert (b"".join(pieces), sizes) == (b"hi", [2])


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX: y", "a\x00", "ä"])
def test_headers_are_one_line(value: str) -> None:
    with RawServer(OK) as registry:
        with pytest.raises(PolicyError, match="no value for the header X"):
            session().request(Request("GET", url(registry), {"X": value}))
        assert not registry.asked


def test_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    waited: list[float] = []
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    with RawServer(once(busy)) as registry:
        asking = Session(environment={}, sleep=waited.append, log=said.append)
        assert asking.request(get(registry)).status == 503
        assert len(registry.asked) == limits.ATTEMPTS
        assert waited == [7.0] * (limits.ATTEMPTS - 1)
        assert "503 Service Unavailable; again in 7.0 s" in said[0]
        # What takes too long altogether ends, too.
        monkeypatch.setattr(limits, "RETRYING", 0)
        registry.asked.clear()
        asking.request(get(registry))
        assert len(registry.asked) == 1
        registry.say = once(b"")
        # Hung up on in the middle of its request, the client is told of a reset.
        with pytest.raises(BrokenError, match=r"without response|reset by peer"):
            asking.request(get(registry))


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(AbsentError, match=rf"127\.0\.0\.1:{port}: .*refused"):
        session().request(Request("GET", origin.parse(f"http://127.0.0.1:{port}/")))
    with pytest.raises(AbsentError, match=r"registry\.invalid: unknown host"):
        session().request(Request("GET", origin.parse("https://registry.invalid/")))


def test_a_proxy_with_a_login() -> None:
    refusal = b"HTTP/1.1 407 No\x1b[2J\r\nContent-Length: 0\r\n\r\n"
    with RawServer(once(refusal)) as proxy:
        environment = {"HTTPS_PROXY": f"http://us%40er:p%3Aw@{proxy.host}/"}
        with pytest.raises(AbsentError) as caught:
            session(**environment).request(
                Request("GET", origin.parse("https://registry.invalid:5000/"))
            )
        assert proxy.asked[0].startswith(b"CONNECT registry.invalid:5000 ")
        login = base64.b64encode(b"us@er:p:w")
        assert b"basic " + login in proxy.asked[0].replace(b"Basic", b"basic")
        text = str(caught.value)
        assert f"proxy {proxy.host}: Tunnel connection failed: 407" in text
        assert text.isprintable()
        assert "p:w" not in text and "p%3Aw" not in text


def test_plain_http_through_a_proxy() -> None:
    with RawServer(OK) as proxy:
        asking = Session(insecure=True, environment={"HTTP_PROXY": f"http://a:b@{proxy.host}"})
        assert (
            asking.request(Request("GET", origin.parse("http://registry.invalid/x"), limit=9)).body
            == b"hi"
        )
        assert proxy.asked[0].startswith(b"GET http://registry.invalid/x ")
        assert b"roxy-" in proxy.asked[0]


def test_nobody_at_the_proxy() -> None:
    environment = {"HTTPS_PROXY": "http://u:secret@127.0.0.1:1"}
    with pytest.raises(AbsentError, match=r"proxy 127\.0\.0\.1:1: .*refused") as caught:
        session(**environment).request(Request("GET", origin.parse("https://registry.invalid/")))
    assert "secret" not in str(caught.value)
