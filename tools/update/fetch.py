"""Fetching over HTTP with a progress bar; every failure is one exception with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO

from tools.cli.transfer import Transfer, megabytes
from tools.net import origin
from tools.net.net_errors import NetError
from tools.net.session import Answer, Request, Session
from tools.text import strict_json

# Bytes: archives of sources and of programs.
LARGEST = 1 << 30


class UnreachableError(Exception):
    """A source can't be used now; the message names the address and the reason."""


class Fetcher:
    """Fetches addresses, showing what arrives on ``stream``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # Debian's are signed, and what python.org has is checked by its digest.
        self._session = Session(signed=True)

    def stream(self, url: str, label: str, take: Callable[[bytes], object]) -> None:
        """Give the content of ``url`` to ``take``, piece by piece.

        Raises:
            UnreachableError: it can't be fetched whole.
        """
        transfer = Transfer(self._stream)

        def expect(total: int | None) -> None:
            transfer.expect(total or 0)

        def arrived(piece: bytes) -> None:
            take(piece)
            transfer.advance(len(piece))

        try:
            answer = self._ask("GET", url, arrived, expect)
            if not 200 <= answer.status < 300:
                raise UnreachableError(f"{url} answers {answer.reason}")
            transfer.line(f"fetched {label} ({megabytes(transfer.done)})")
        finally:
            transfer.close()

    def _ask(
        self,
        method: str,
        url: str,
        take: Callable[[bytes], object] | None = None,
        expect: Callable[[int | None], object] | None = None,
    ) -> Answer:
        try:
            # Once: what has been taken can't be taken back.
            return self._session.once(
                Request(method, origin.parse(url), limit=LARGEST, take=take, expect=expect)
            )
        except NetError as error:
            raise UnreachableError(f"{url} can't be fetched: {error}") from None

    def absent(self, url: str) -> str | None:
        """Why ``url`` can't be fetched, found out without fetching it; None if it can."""
        try:
            answer = self._ask("HEAD", url)
        except UnreachableError as error:
            return str(error)
        return None if 200 <= answer.status < 300 else f"{url} answers {answer.reason}"

    def get(self, url: str, label: str) -> bytes:
        """The content of ``url``."""
        pieces: list[bytes] = []
        self.stream(url, label, pieces.append)
        return b"".join(pieces)

    def json(self, url: str, label: str) -> Any:
        """The JSON at ``url``."""
        try:
            return strict_json.parse(self.get(url, label))
        except ValueError as error:
            raise UnreachableError(f"{url} is not JSON: {error}") from None
