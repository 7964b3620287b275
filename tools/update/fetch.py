"""Fetching over HTTP with a progress bar; every failure is one exception with one sentence."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TextIO

from tools.update.bar import Bar

_CHUNK = 1 << 16
_TIMEOUT = 30.0


class UnreachableError(Exception):
    """A source can't be used now; the message names the address and the reason."""


class Fetcher:
    """Fetches addresses, showing progress on ``stream``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def stream(self, url: str, label: str, take: Callable[[bytes], object]) -> None:
        """Give the content of ``url`` to ``take``, piece by piece.

        Raises:
            UnreachableError: it can't be fetched whole.
        """
        request = urllib.request.Request(url, headers={"User-Agent": "python-images-update"})
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                length = answer.headers.get("Content-Length")
                total = int(length) if length else None
                arrived = 0
                with Bar(self._stream, label, total) as bar:
                    while piece := answer.read(_CHUNK):
                        take(piece)
                        arrived += len(piece)
                        bar.add(len(piece))
                    if total is not None and arrived != total:
                        raise UnreachableError(f"{url} ended early: {arrived} of {total} bytes")
        except urllib.error.HTTPError as error:
            raise UnreachableError(f"{url} answers {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            raise UnreachableError(f"{url} can't be reached: {error.reason}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnreachableError(f"{url} can't be fetched: {error}") from None

    def exists(self, url: str) -> bool:
        """Whether ``url`` can be fetched, without fetching it."""
        request = urllib.request.Request(
            url, headers={"User-Agent": "python-images-update"}, method="HEAD"
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT):
                return True
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def get(self, url: str, label: str) -> bytes:
        """The content of ``url``."""
        pieces: list[bytes] = []
        self.stream(url, label, pieces.append)
        return b"".join(pieces)

    def json(self, url: str, label: str) -> Any:
        """The JSON at ``url``."""
        try:
            return json.loads(self.get(url, label))
        except ValueError as error:
            raise UnreachableError(f"{url} is not JSON: {error}") from None
