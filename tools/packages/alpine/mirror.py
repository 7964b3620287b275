"""Fetching from a mirror of Alpine's: the user's choice, else the machine's and public ones."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.catalog.mirrors import public_mirrors
from tools.net import origin
from tools.net.net_errors import NetError
from tools.net.session import Request, Session

_REPOSITORIES = Path("/etc/apk/repositories")


class MirrorError(Exception):
    """A mirror that can't be reached or hasn't a file; the message has the remedy."""


def find_mirrors(given: Sequence[str] = (), repositories: Path = _REPOSITORIES) -> list[str]:
    """Mirrors to try, in order: those given and those of $ALPINE_MIRROR, without any all others.

    All others are the machine's, in its /etc/apk/repositories if it's an Alpine, and behind them
    the catalog's. Raises MirrorError when one is no URL.
    """
    mirrors = [*given, *os.environ.get("ALPINE_MIRROR", "").split()]
    if not mirrors:
        lines = []
        if repositories.is_file():
            lines = repositories.read_text(encoding="utf-8").splitlines()
        found = (re.fullmatch(r"(\S+)/v\d+\.\d+/\w+/?", line.strip()) for line in lines)
        mirrors = [*(match[1] for match in found if match), *public_mirrors("alpine", "main")]
    mirrors = list(dict.fromkeys(mirror.rstrip("/") for mirror in mirrors))
    for mirror in mirrors:
        if not re.match(r"(https?|file)://", mirror):
            raise MirrorError(f"--mirror={mirror}: no http, https or file URL")
    return mirrors


class Fetcher:
    """Downloads files by their path on any of the mirrors."""

    def __init__(self, mirrors: Sequence[str], sleep: Callable[[float], None] = time.sleep) -> None:
        self.mirrors = mirrors
        # Indexes are signed, and they have the digests of the packages.
        self._session = Session(signed=True, sleep=sleep)

    def get(self, path: str, limit: int) -> bytes:
        """The file's bytes, from the first mirror that has it and sends no more than `limit`.

        Raises MirrorError.
        """
        said = []
        for mirror in self.mirrors:
            url = f"{mirror}/{path}"
            try:
                return self._fetch(url, limit)
            except (NetError, OSError) as error:
                said.append(f"{url}: {error}")
        raise MirrorError(
            "\n  ".join(["a file isn't available:", *said]) + "\n  Another mirror: --mirror=<URL>"
        )

    def _fetch(self, url: str, limit: int) -> bytes:
        if url.startswith("file://"):
            with Path(unquote(urlsplit(url).path)).open("rb") as file:
                data = file.read(limit + 1)
            if len(data) > limit:
                raise NetError(f"has more than {limit} bytes")
            return data
        answer = self._session.request(Request("GET", origin.parse(url), limit=limit))
        if not 200 <= answer.status < 300:
            raise NetError(answer.reason)
        return answer.body
