"""JSON documents of security data, from files or from addresses."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

from tools.cves.advisories import Origin
from tools.cves.errors import CvesError
from tools.oci.registry.transport import trust

_TIMEOUT: Final = 120
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_GIVE: Final = "Give the distribution's data: --data FILE or --data URL."


def load(origin: str, folder: Path) -> tuple[Origin, Any]:
    """Return the content of a file (relative to `folder`) or an HTTPS address; may be gzip or xz.

    CvesError where it can't be had, or is no JSON.
    """
    data = _fetch(origin) if "://" in origin else _read(folder / origin)
    shown = _public(origin)
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:6] == b"\xfd7zXZ\x00":
            data = lzma.decompress(data)
        content = json.loads(data)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise CvesError(shown, f"is damaged: {error}", _GIVE) from None
    except ValueError as error:
        raise CvesError(shown, f"is no JSON: {error}", _GIVE) from None
    return Origin(shown, hashlib.sha256(data).hexdigest()), content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CvesError(path, error.strerror or str(error), _GIVE) from None


def _fetch(url: str) -> bytes:
    parts = urllib.parse.urlsplit(url)
    # Who can change the data on their way can hide what is in them.
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
        raise CvesError(_public(url), "is not an HTTPS address", _GIVE)
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    handler = urllib.request.HTTPSHandler(context=trust(insecure=False))
    try:
        with urllib.request.build_opener(handler).open(request, timeout=_TIMEOUT) as answer:
            data: bytes = answer.read()
            return data
    except (OSError, urllib.error.URLError) as error:
        raise CvesError(
            _public(url),
            f"can't be fetched: {error}",
            "Fetch the data by other means, and give the file with --data.",
        ) from None


def _public(origin: str) -> str:
    """Return an address without user and password."""
    parts = urllib.parse.urlsplit(origin)
    if "@" not in parts.netloc:
        return origin
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
