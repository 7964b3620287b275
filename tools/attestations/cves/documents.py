"""JSON documents of security data, from files or from addresses."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import urllib.parse
from pathlib import Path
from typing import Any, Final

from tools.attestations.cves.advisories import Origin
from tools.attestations.cves.cves_error import CvesError
from tools.net import origin
from tools.net.net_errors import NetError, PolicyError
from tools.net.session import Request, Session

# Bytes. Debian's tracker gives some 70 MB, not compressed.
LARGEST: Final = 512 << 20
_GIVE: Final = "Give the distribution's data: --data FILE or --data URL."


def load(origin: str, folder: Path) -> tuple[Origin, Any]:
    """Return the content of a file (relative to `folder`) or an HTTPS address; may be gzip or xz.

    CvesError where it isn't available, or is no JSON.
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
    try:
        address = origin.parse(url, user=True)
        session = Session()
        # Who can change the data on their way can hide what is in them.
        session.check(address)
    except PolicyError:
        raise CvesError(_public(url), "is not an HTTPS address", _GIVE) from None
    try:
        answer = session.request(
            Request("GET", address, {"Accept-Encoding": "gzip"}, limit=LARGEST)
        )
        if not 200 <= answer.status < 300:
            raise NetError(f"the server answers {answer.reason}")
        return answer.body
    except NetError as error:
        raise CvesError(
            _public(url),
            f"can't be fetched: {error}",
            "Fetch the data by other means, and give the file with --data.",
        ) from None
    finally:
        session.close()


def _public(origin: str) -> str:
    """Return an address without user and password."""
    parts = urllib.parse.urlsplit(origin)
    if "@" not in parts.netloc:
        return origin
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
