"""What Debian's security tracker says: which versions of a source package have which problems.

The data are one JSON document: source package -> CVE -> `{"description", "scope", "debianbug",
"releases": {suite: {"status", "fixed_version", "urgency", "nodsa", "nodsa_reason"}}}`.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import lzma
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

from tools.cves.errors import CvesError
from tools.oci.registry.transport import trust

_TIMEOUT: Final = 120
_STATUS: Final = frozenset({"open", "resolved", "undetermined"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_GIVE: Final = "Give the JSON data of Debian's security tracker: --data FILE or --data URL."


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the tracker says of one problem of a source package in one suite.

    Attributes:
        id: its CVE number, or the tracker's own TEMP- name.
        status: `open`, `resolved` or `undetermined`.
        fixed_version: the suite's first version without it; `0` where no version ever had it, empty
            where there is none.
        urgency: as the tracker has it: high, medium, low, unimportant, `not yet assigned` …
        scope: `remote` or `local`; may be empty.
        description: what it is about, in a sentence or two; may be empty.
        nodsa: why there is no security advisory of its own; may be empty.
        bug: number of Debian's bug report; 0 without one.
    """

    id: str
    status: str
    fixed_version: str
    urgency: str
    scope: str
    description: str
    nodsa: str
    bug: int


@dataclasses.dataclass(frozen=True)
class Tracker:
    """The data, where they are from, and what of them it was: their SHA-256."""

    origin: str
    sha256: str
    sources: dict[str, dict[str, Any]]

    def check_suite(self, suite: str) -> None:
        """CvesError where the data say nothing about a suite: an empty report would mislead."""
        for problems in self.sources.values():
            for problem in problems.values():
                if suite in problem["releases"]:
                    return
        raise CvesError(self.origin, f"has nothing about the suite {suite}", _GIVE)

    def entries(self, source: str, suite: str) -> list[Entry]:
        """Return what is known of a source package in a suite, by CVE number."""
        found = []
        for name, problem in sorted(self.sources.get(source, {}).items()):
            release = problem["releases"].get(suite)
            if release is None:
                continue
            status = release["status"]
            if status not in _STATUS:
                raise CvesError(
                    self.origin,
                    f"{source} {name}: the status in {suite} is {status!r}",
                    "Teach tools/cves/tracker.py what that means.",
                )
            if status == "resolved" and not release.get("fixed_version"):
                raise CvesError(
                    self.origin, f"{source} {name}: resolved in {suite} without a version", _GIVE
                )
            reason = ", ".join(
                filter(None, (release.get("nodsa_reason", ""), release.get("nodsa", "")))
            )
            found.append(
                Entry(
                    id=name,
                    status=status,
                    fixed_version=release.get("fixed_version", ""),
                    # A star says that the urgency is the tracker's own, not the suite's.
                    urgency=release.get("urgency", "not yet assigned").rstrip("*"),
                    scope=problem.get("scope", ""),
                    description=" ".join(problem.get("description", "").split()),
                    nodsa=reason,
                    bug=int(problem.get("debianbug", 0)),
                )
            )
        return found


def load(origin: str, folder: Path) -> Tracker:
    """Return the data of a file (relative to `folder`) or an HTTPS address; may be gzip or xz.

    CvesError where they can't be had, or are no such data.
    """
    if not origin:
        raise CvesError("no data", "there is nothing to compare the image with", _GIVE)
    data = _fetch(origin) if "://" in origin else _read(folder / origin)
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:6] == b"\xfd7zXZ\x00":
            data = lzma.decompress(data)
        sources = json.loads(data)
        if not sources or not all(
            isinstance(problem["releases"], dict)
            for problems in sources.values()
            for problem in problems.values()
        ):
            raise ValueError("there is nothing in it")
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CvesError(_public(origin), f"is not the tracker's data: {error!r}", _GIVE) from None
    except lzma.LZMAError as error:
        raise CvesError(_public(origin), f"is damaged: {error}", _GIVE) from None
    return Tracker(_public(origin), hashlib.sha256(data).hexdigest(), sources)


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
