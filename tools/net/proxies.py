"""The proxy the environment names for an origin: by the rules of curl and of Go's programs."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from tools.net import origin as origins
from tools.net.net_errors import PolicyError
from tools.net.origin import Origin

_KINDS: Final = ("http", "https")


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy, and the user and password for it; both empty where it wants none."""

    origin: Origin
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)

    def __str__(self) -> str:
        """Return it for people, without the password."""
        return f"proxy {self.origin.authority}"

    @property
    def basic_auth(self) -> str | None:
        """`user:password`, or None."""
        return f"{self.user}:{self.password}" if self.user or self.password else None


def proxy_for(target: Origin, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for `target`, or None. Raises PolicyError where the setting is no address.

    HTTPS_PROXY, HTTP_PROXY and ALL_PROXY count, in lower case first. This machine itself is never
    asked for through a proxy: what it is sent in the clear would travel.
    """
    name = f"{target.scheme}_proxy"
    names = (name, name.upper(), "all_proxy", "ALL_PROXY")
    variable = next((key for key in names if environment.get(key)), None)
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if variable is None or target.is_loopback or _is_exempt(target, exempt):
        return None
    return _parse(environment[variable], variable)


def _parse(text: str, variable: str) -> Proxy:
    """Return the proxy that a variable's value names: [http[s]://][user[:password]@]host[:port]."""
    text = text.strip().rstrip("/")
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
    login, at, place = rest.rpartition("@")
    if scheme.lower() not in _KINDS:
        raise PolicyError(f"{variable}: {scheme}:// proxies are not spoken to, http and https are")
    try:
        origin = origins.authority(place, scheme)
    except PolicyError:
        raise PolicyError(f"{variable}: {place!r} is not HOST[:PORT]") from None
    user, _, password = login.partition(":")
    user, password = urllib.parse.unquote(user), urllib.parse.unquote(password)
    if at and re.search(r"[\x00-\x1f\x7f]", user + password):
        raise PolicyError(f"{variable}: its user or password has a control character")
    return Proxy(origin, user, password)


def _is_exempt(target: Origin, listed: str) -> bool:
    """Whether a list, as NO_PROXY is one, has the target."""
    for word in re.split(r"[\s,]+", listed):
        if word == "*" or (word and _fits(target, word.lower())):
            return True
    return False


def _fits(target: Origin, word: str) -> bool:
    if found := re.fullmatch(r"(\[.*\]|[^:]*):([0-9]+)", word):
        if int(found[2][:6]) != target.port:
            return False
        word = found[1]
    try:
        address = ipaddress.ip_address(target.host)
    except ValueError:
        word = word.removeprefix("*").removeprefix(".")
        return bool(word) and (target.host == word or target.host.endswith("." + word))
    try:
        return address in ipaddress.ip_network(word.strip("[]"), strict=False)
    except ValueError:
        return False
