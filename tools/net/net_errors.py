"""What can go wrong over HTTP; each is one clear sentence, safe to print."""

from __future__ import annotations

from tools.text import quote


class NetError(Exception):
    """A request failed. The message has no control characters, whoever wrote parts of it."""

    def __init__(self, message: str) -> None:
        super().__init__(quote.terminal(message))


class AbsentError(NetError):
    """Nobody is there: an unknown host, or no listener at the port."""


class BrokenError(NetError):
    """The connection broke, or the answer did not come in time: trying again may help."""


class LimitError(NetError):
    """More bytes, more time or more redirections than allowed."""


class NotTlsError(NetError):
    """The other side does not speak TLS."""


class PolicyError(NetError):
    """An address that must not be used: it is malformed, or not HTTPS."""


class UntrustedError(NetError):
    """The certificate is not trusted."""
