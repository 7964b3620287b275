"""Which proxy is used, with which login, and when none is."""

from __future__ import annotations

import pytest

from tools.net import origin, proxies
from tools.net.net_errors import PolicyError

REGISTRY = origin.authority("registry.example:5000")


def proxy(value: str, **more: str) -> proxies.Proxy | None:
    return proxies.proxy_for(REGISTRY, {"HTTPS_PROXY": value, **more})


@pytest.mark.parametrize(
    ("value", "place", "login"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", None),
        ("proxy.example:3128/", "http://proxy.example:3128", None),
        ("https://proxy.example", "https://proxy.example", None),
        ("http://user:pw@proxy", "http://proxy", "user:pw"),
        ("http://us%40er:p%3Aw%2F@proxy:1", "http://proxy:1", "us@er:p:w/"),
        ("user@domain:pw@[::1]:8080", "http://[::1]:8080", "user@domain:pw"),
    ],
)
def test_settings(value: str, place: str, login: str | None) -> None:
    found = proxy(value)
    assert found
    assert (str(found.origin), found.basic_auth) == (place, login)
    assert "pw" not in str(found) + repr(found)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("socks5://proxy:1", "HTTPS_PROXY: socks5:// proxies are not spoken to"),
        ("http://user:pw@", "HTTPS_PROXY: '' is not HOST"),
        ("http://user:p%0Aw@proxy", "has a control character"),
        ("http://pro xy", "is not HOST"),
    ],
)
def test_other_settings(value: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why) as caught:
        proxy(value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("listed", "exempt"),
    [
        ("*", True),
        ("registry.example", True),
        (".example", True),
        ("example", True),
        ("*.example", True),
        ("a,  REGISTRY.example:5000", True),
        ("registry.example:5001", False),
        ("istry.example", False),
        ("", False),
    ],
)
def test_no_proxy(listed: str, exempt: bool) -> None:
    assert (proxy("proxy", NO_PROXY=listed) is None) == exempt
    assert (proxy("proxy", no_proxy=listed, NO_PROXY="other") is None) == exempt


def test_no_proxy_for_addresses() -> None:
    environment = {"ALL_PROXY": "proxy", "NO_PROXY": "10.0.0.0/8,[2001:db8::1]:443"}
    for text, exempt in (
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("[2001:db8:0::1]", True),
        ("[2001:db8::1]:80", False),
    ):
        assert (proxies.proxy_for(origin.authority(text), environment) is None) == exempt


def test_this_machine_is_asked_directly() -> None:
    for text in ("localhost:5000", "127.0.0.1", "[::1]:1"):
        assert proxies.proxy_for(origin.authority(text), {"HTTPS_PROXY": "proxy"}) is None


def test_lower_case_goes_first_and_kinds_are_apart() -> None:
    environment = {"https_proxy": "lower", "HTTPS_PROXY": "upper", "http_proxy": "plain"}
    found = proxies.proxy_for(REGISTRY, environment)
    plain = proxies.proxy_for(origin.authority("a.example", "http"), environment)
    assert found and plain
    assert (found.origin.host, plain.origin.host) == ("lower", "plain")
