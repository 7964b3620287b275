"""What python.org says: releases with their checksums, and ends of support."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tools.catalog.tags import Release
from tools.update.candidate import Candidate, parse
from tools.update.fetch import Fetcher, UnreachableError

SITE = "https://www.python.org"
PEPS = "https://peps.python.org"
_API = "/api/v2/downloads"
# What follows the release in the name of a file for Windows: what catalog/windows.yaml calls it.
_WINDOWS = {"-amd64.zip": "archive", "-amd64.exe": "installer"}


def _rows(answer: Any, url: str) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise UnreachableError(f"{url} is not the list it used to be")
    return answer


def releases(site: str, fetcher: Fetcher) -> dict[Release, tuple[str, datetime.date | None]]:
    """Every published release: its number, with its id in the API and its day."""
    url = f"{site}{_API}/release/?is_published=true"
    found: dict[Release, tuple[str, datetime.date | None]] = {}
    for row in _rows(fetcher.json(url, "python.org's releases"), url):
        number = parse(str(row.get("name", "")).removeprefix("Python "))
        identifier = str(row.get("resource_uri", "")).rstrip("/").rpartition("/")[2]
        if number is None or not identifier.isdigit():
            continue
        try:
            day = datetime.datetime.fromisoformat(str(row.get("release_date"))).date()
        except ValueError:
            day = None
        found[number] = (identifier, day)
    return found


def _bundle_digest(url: str, fetcher: Fetcher) -> str:
    """The SHA-256 in a sigstore bundle."""
    bundle = fetcher.json(url, "its sigstore bundle")
    try:
        digest = bundle["messageSignature"]["messageDigest"]
        if digest["algorithm"] != "SHA2_256":
            raise UnreachableError(f"{url} uses {digest['algorithm']}, not SHA2_256")
        made = base64.b64decode(digest["digest"], validate=True)
        if len(made) != hashlib.sha256().digest_size:
            raise ValueError(made)
        return made.hex()
    except (KeyError, TypeError, ValueError):
        raise UnreachableError(f"{url} is not a sigstore bundle") from None


@dataclass(frozen=True)
class Published:
    """What python.org has of some releases.

    Attributes:
        candidates: their sources.
        windows: of a release the checksums of `archive` and `installer`, where they are told.
    """

    candidates: list[Candidate] = field(default_factory=list)
    windows: dict[Release, dict[str, str]] = field(default_factory=dict)


def published(
    site: str, wanted: Iterable[tuple[Release, str, datetime.date | None]], fetcher: Fetcher
) -> Published:
    """The files of releases; ``wanted`` are (number, id in the API, day)."""
    made = Published()
    for number, identifier, day in wanted:
        url = f"{site}{_API}/release_file/?release={identifier}"
        for row in _rows(fetcher.json(url, f"python.org's files of {number}"), url):
            # The API names python.org; a mirror of it has the same paths.
            address = str(row.get("url", "")).replace(SITE, site, 1)
            sha256 = str(row.get("sha256_sum") or "")
            kind = _WINDOWS.get(address.rpartition("/")[2].removeprefix(f"python-{number}"))
            if kind is not None and re.fullmatch("[0-9a-f]{64}", sha256):
                made.windows.setdefault(number, {})[kind] = sha256
            if not address.endswith(f"/Python-{number}.tar.xz"):
                continue
            if len(sha256) != 64:
                bundle = str(row.get("sigstore_bundle_file") or f"{address}.sigstore")
                sha256 = _bundle_digest(bundle.replace(SITE, site, 1), fetcher)
            made.candidates.append(Candidate(number, sha256, address, "python.org", day))
    return made


def ends_of_life(site: str, fetcher: Fetcher) -> dict[str, str]:
    """Of each minor version the end of its support, ``YYYY-MM`` or ``YYYY-MM-DD``."""
    url = f"{site}/api/release-cycle.json"
    answer = fetcher.json(url, "CPython's release cycle")
    if not isinstance(answer, dict):
        raise UnreachableError(f"{url} is not the mapping it used to be")
    return {
        minor: _end(minor, str(row["end_of_life"]), url)
        for minor, row in answer.items()
        if isinstance(row, dict) and "end_of_life" in row
    }


def _end(minor: str, said: str, url: str) -> str:
    """Return a day, or a month, where it is one."""
    try:
        datetime.date.fromisoformat(f"{said}-01" if re.fullmatch(r"\d{4}-\d\d", said) else said)
    except ValueError:
        raise UnreachableError(
            f"{url}: the end of {minor} is {said!r}, neither a day nor a month"
        ) from None
    return said
