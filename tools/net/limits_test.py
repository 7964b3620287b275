"""Servers that never end, send too much, or send what isn't HTTP: one error each, in time."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.net import limits, origin
from tools.net.net_errors import BrokenError, LimitError, NetError
from tools.net.raw_server import RawServer, Say, endless, once
from tools.net.session import Answer, Request, Session, retry_after

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
# Generous: the machine may be busy.
SECONDS = 30.0


@pytest.fixture(autouse=True)
def shrunk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Limits that tests can wait for, and a process that can't eat the machine."""
    monkeypatch.setattr(limits, "IDLE", 0.5)
    monkeypatch.setattr(limits, "WHOLE", 1.0)
    monkeypatch.setattr(limits, "ATTEMPTS", 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def ask(say: Say, method: str = "GET", limit: int = 100_000) -> Answer:
    with RawServer(say) as server:
        url = origin.parse(f"http://{server.host}/x")
        session = Session(environment={}, sleep=lambda _seconds: None)
        began = time.monotonic()
        try:
            return session.request(Request(method, url, limit=limit))
        finally:
            session.close()
            assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    "say",
    [
        endless(OK + b"\r\n", b"x" * 65536),
        endless(OK + b"Content-Length: 99999999999999\r\n\r\n", b"x" * 65536),
        endless(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        endless(CHUNKED, b"1\r\nx\r\n"),
        endless(CHUNKED, b"0" * 65536),
        endless(CHUNKED + b"-5\r\n", b"x" * 65536),
        endless(CHUNKED + b"ffffffffffffffff\r\n", b"x" * 65536),
        endless(CHUNKED + b"1;", b"extension" * 4096),
        endless(CHUNKED + b"0\r\n", b"Trailer: x\r\n"),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        endless(b"", b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n", 0.01),
        endless(b"", b"x" * 65536),
        endless(OK, b"A: b\r\n"),
        endless(OK + b"A: ", b"b" * 65536),
        endless(OK + b"A: b\r\n", b" folded" * 1000 + b"\r\n"),
    ],
    ids=lambda _say: "",
)
def test_without_end(say: Say) -> None:
    with pytest.raises(NetError) as caught:
        ask(say)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("first", [b"", OK, OK + b"\r\n", CHUNKED, CHUNKED + b"1000\r\n"])
def test_a_byte_now_and_then(first: bytes) -> None:
    with pytest.raises(LimitError, match="no whole answer in 1 seconds"):
        ask(endless(first, b"1", 0.05))


def test_silence() -> None:
    def silent(_asked: bytes) -> Iterator[bytes]:
        time.sleep(5)
        yield b""

    with pytest.raises(BrokenError, match="no answer in time"):
        ask(silent)


def test_a_body_that_is_too_large() -> None:
    with pytest.raises(LimitError, match="/x: has more than 10 bytes"):
        ask(once(OK + b"Content-Length: 11\r\n\r\n" + b"x" * 11), limit=10)
    assert ask(once(OK + b"Content-Length: 10\r\n\r\n" + b"x" * 10), limit=10).body == b"x" * 10


def test_of_what_is_wrong_the_beginning_is_read() -> None:
    answer = ask(endless(b"HTTP/1.1 404 Not Found\r\n\r\n", b"y" * 65536))
    assert (answer.status, answer.body) == (404, b"y" * limits.ERROR)
    # And of an answer whose body nobody asked for.
    assert len(ask(endless(OK + b"\r\n", b"y" * 65536), limit=0).body) == limits.ERROR


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"<html>\x1b[2J</html>",
        OK + b"Content-Length: 5\r\n\r\nabc",
        OK + b"Content-Length: 5, 6\r\n\r\nabcde",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"5\r\nab",
        OK + b"\xff\xfe: \x00\r\nContent-Length: 3\r\n\r\nab",
    ],
)
def test_what_is_not_http(said: bytes) -> None:
    with pytest.raises(NetError) as caught:
        ask(once(said))
    assert str(caught.value).isprintable()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=300)
    | st.binary(max_size=300).map(lambda data: OK + data)
    | st.binary(max_size=300).map(lambda data: CHUNKED + data)
    | st.binary(max_size=99).map(lambda data: OK + b"Content-Length: " + data + b"\r\n\r\nabc")
    | st.binary(max_size=99).map(lambda data: b"HTTP/1.1 302 x\r\nLocation: " + data + b"\r\n\r\n")
)
def test_an_answer_or_one_error(said: bytes) -> None:
    try:
        answer = ask(once(said))
    except NetError as error:
        assert str(error).isprintable()
    else:
        assert isinstance(answer.status, int)


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("3600", limits.LONGEST_PAUSE),
        ("9" * 5000, None),
        ("-1", None),
        ("1e9", None),
        ("²", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        ("\x1b[2J", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 9999 07:28:00 GMT", limits.LONGEST_PAUSE),
        ("Wed, 99 Oct 2015 77:28:00 GMT", None),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", None),
    ],
)
def test_retry_after(told: str, wait: float | None) -> None:
    assert retry_after(told) == wait
