"""Fetching from a mirror of Alpine's: the user's choice, else the machine's and public ones."""

from __future__ import annotations

import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path

from tools.catalog.mirrors import public_mirrors

_TRUST_STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_REPOSITORIES = Path("/etc/apk/repositories")
_SECONDS, _TRIES, _PAUSE = 60, 3, 1.0
_TEMPORARY = (408, 429, 500, 502, 503, 504)


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
        self._sleep = sleep
        context = ssl.create_default_context()
        # The tools' interpreter has no trust store of its own.
        store = os.environ.get("SSL_CERT_FILE") or next(
            (path for path in _TRUST_STORES if Path(path).is_file()), None
        )
        if store:
            context.load_verify_locations(store)
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))

    def get(self, path: str) -> bytes:
        """The file's bytes, from the first mirror that has it. Raises MirrorError."""
        said = []
        for mirror in self.mirrors:
            url = f"{mirror}/{path}"
            try:
                return self._fetch(url)
            except (OSError, HTTPException) as error:
                said.append(f"{url}: {getattr(error, 'reason', None) or error}")
        raise MirrorError(
            "\n  ".join(["a file can't be had:", *said]) + "\n  Another mirror: --mirror=<URL>"
        )

    def _fetch(self, url: str) -> bytes:
        for attempt in range(1, _TRIES + 1):
            try:
                with self._opener.open(url, timeout=_SECONDS) as response:
                    data: bytes = response.read()
                    return data
            except urllib.error.HTTPError as error:
                if error.code not in _TEMPORARY or attempt == _TRIES:
                    raise
            except urllib.error.URLError as error:
                # What can't be resolved or refuses won't change its mind in seconds.
                if not isinstance(error.reason, TimeoutError) or attempt == _TRIES:
                    raise
            except (TimeoutError, HTTPException):
                if attempt == _TRIES:
                    raise
            self._sleep(_PAUSE * attempt)
        raise AssertionError("unreachable")
