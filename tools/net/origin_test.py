"""Addresses: what is one, what is the same server, what a Location leads to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.net import origin
from tools.net.net_errors import PolicyError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example", "HTTPS://A.Example:443/"),
        ("https://a.example:/x", "https://a.example/x"),
        ("http://[::1]/", "http://[0:0:0:0:0:0:0:1]:80/"),
        ("https://bücher.example/", "https://XN--BCHER-KVA.example/"),
        ("https://ｅxample.com/", "https://example.com/"),
        ("https://a.example?x=1", "https://a.example/?x=1"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert origin.parse(one) == origin.parse(other)


@pytest.mark.parametrize(
    "other",
    [
        "http://a.example/",
        "https://a.example:444/",
        "https://a.example./",
        "https://a.example.evil/",
        "https://а.example/",
    ],
)
def test_another_server(other: str) -> None:
    assert origin.parse(other).origin != origin.parse("https://a.example/").origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "//a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://a b/",
        "https://a.example/\r\nX: y",
        "https://a.example/\x00",
        "https://a.example\\@evil.example/",
        "https://good.example#@evil.example/",
        "https://user:pw@a.example/",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:443443443/",
        "https://a.example:4a/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://[::gg]/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://1.2.3.4.5/",
        "https://a..example/",
        "https://-/" + "a" * (16 << 10),
        "https://" + "a" * 300 + "/",
    ],
)
def test_no_address(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        origin.parse(text)
    assert len(str(caught.value)) < 1000
    assert "pw" not in str(caught.value)


def test_a_user_is_dropped_where_that_is_asked_for() -> None:
    assert str(origin.parse("https://ada:pw@a.example/x", user=True)) == "https://a.example/x"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("/b?c=%2b", "https://a.example/b?c=%2b"),
        ("b", "https://a.example/v2/b"),
        ("?x", "https://a.example/v2/?x"),
        ("../../b", "https://a.example/b"),
        ("//b.example/c", "https://b.example/c"),
        ("http://a.example/", "http://a.example/"),
        ("https://a.example:443/y#z", "https://a.example/y"),
    ],
)
def test_locations(reference: str, url: str) -> None:
    assert str(origin.parse("https://a.example/v2/").join(reference)) == url


@pytest.mark.parametrize(
    "reference",
    ["", " ", "\n", "/a b", "/a\x7f", "/ä", "ftp://x/", "https://u@x/", "https://[", "/" * 9000],
)
def test_no_locations(reference: str) -> None:
    with pytest.raises(PolicyError):
        origin.parse("https://a.example/v2/").join(reference)


def test_loopback() -> None:
    for text in ("localhost", "LocalHost:5000", "127.0.0.1", "127.9.9.9:1", "[::1]:5000"):
        assert origin.authority(text).is_loopback
    for text in ("localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "0.0.0.0"):
        assert not origin.authority(text).is_loopback


@given(st.text() | st.text().map(lambda text: "https://" + text))
def test_no_other_error(text: str) -> None:
    try:
        assert origin.parse(str(origin.parse(text))) == origin.parse(text)
        origin.parse("https://a.example/v2/").join(text)
    except PolicyError:
        pass
