"""Addresses, taken apart strictly, and origins that compare as servers do."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import urllib.parse
from typing import Final

import idna

from tools.net import limits
from tools.net.net_errors import PolicyError

_PORTS: Final = {"http": 80, "https": 443}
# RFC 3986; a path or query may also have what is odd but harmless: [ ] |.
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<user>[^/?#@\s\\]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#@:\[\]\s\\]+)(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<target>[/?][!$-;=?-\[\]_a-z|~#]*)?"
)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclasses.dataclass(frozen=True)
class Origin:
    """Scheme, host and port in one spelling: two equal origins are one server."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def authority(self) -> str:
        """HOST[:PORT], the port only where it isn't the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return the address of its root, without the slash."""
        return f"{self.scheme}://{self.authority}"


@dataclasses.dataclass(frozen=True)
class Url:
    """An HTTP address: its origin, and the target with path and query."""

    origin: Origin
    target: str

    def __str__(self) -> str:
        """Return the whole address."""
        return f"{self.origin}{self.target}"

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a secret: a signature, a token."""
        return str(self).partition("?")[0]

    def join(self, reference: str) -> Url:
        """Return the address that `reference` (a Location) means here. Raises PolicyError."""
        check_characters(reference)
        try:
            joined = urllib.parse.urljoin(str(self), reference)
        except ValueError:
            raise PolicyError(f"{_cut(reference)!r}: not an address") from None
        return parse(joined)


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"


def check_characters(text: str) -> None:
    """Raise PolicyError where an address from a header has what none may have."""
    if len(text) > limits.URL:
        raise PolicyError(f"{_cut(text)!r}: an address of {len(text)} characters")
    if not re.fullmatch(r"[!-~]+", text) or "\\" in text:
        raise PolicyError(f"{_cut(text)!r}: not an address: it is empty, or has blanks or others")


def host_of(text: str) -> str:
    """Return a host name or IP address in its one spelling. Raises ValueError."""
    if text.startswith("[") or ":" in text:
        return str(ipaddress.IPv6Address(text.strip("[]")))
    name = text.lower()
    if not name.isascii():
        # As browsers do, upper case and full-width letters included.
        name = idna.encode(text, uts46=True).decode()
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Else 127.1 and 0x7f000001 were names here, and this machine to the resolver.
        return str(ipaddress.IPv4Address(name))
    if len(name) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(text)
    return name


def parse(text: str, *, user: bool = False) -> Url:
    """Return the HTTP or HTTPS address `text`; PolicyError where it is none.

    A user and password are dropped with `user`, else refused. A fragment is dropped.
    """
    if len(text) > limits.URL:
        raise PolicyError(f"{_cut(text)!r}: an address of {len(text)} characters")
    found = _URL.fullmatch(text)
    if not found or found["scheme"].lower() not in _PORTS:
        raise PolicyError(f"{_cut(_without_user(text))!r}: not an HTTP address")
    if found["user"] and not user:
        raise PolicyError(f"{_cut(_without_user(text))!r}: an address with a user in it")
    scheme = found["scheme"].lower()
    try:
        host = host_of(found["host"])
        port = int(found["port"] or _PORTS[scheme])
        if not 0 < port < 1 << 16:
            raise ValueError(port)
    except ValueError:
        raise PolicyError(
            f"{_cut(_without_user(text))!r}: no host, or no port, like that"
        ) from None
    target = (found["target"] or "/").partition("#")[0]
    return Url(Origin(scheme, host, port), target if target.startswith("/") else "/" + target)


def _without_user(text: str) -> str:
    return re.sub(r"//[^/?#\s]*@", "//", text)


def authority(text: str, scheme: str = "https") -> Origin:
    """Return the origin HOST[:PORT] names. Raises PolicyError."""
    return parse(f"{scheme}://{text}").origin
