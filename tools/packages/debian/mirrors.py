"""Which Debian mirrors are used: the user's choice, else the machine's apt's and public ones.

`python_images/private/roots/debian/mirrors.bzl` is the same for Bazel's repository rules.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.catalog.mirrors import public_mirrors

# What apt would fetch, one per line: '<archive root>/dists/<suite>/InRelease' <file> <size>.
_URI_LINE = re.compile(r"'(?P<root>[^']+?)/dists/(?P<suite>[^']+)/InRelease' .*")
# Suites by which a source of apt's is known to be Debian's own archive.
_DEBIAN_SUITE = re.compile(
    r"(?:bullseye|bookworm|trixie|forky|duke|sid|stable|testing|unstable|oldstable|oldoldstable)"
    r"(?P<pocket>-updates|-security|-proposed-updates|-backports|/updates)?"
)
_SECURITY_POCKETS = ("-security", "/updates")


@dataclass(frozen=True)
class Mirror:
    """URLs, without trailing slash, of the main archive and of its security archive."""

    main: str
    security: str


def _expand(uri: str) -> list[str]:
    """The mirrors behind apt's `mirror+file:` list, or the URI itself."""
    if not uri.startswith("mirror+file:"):
        return [uri]
    listed = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    # A line may carry options after a tab or blank: "URL priority:1".
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _paired(main: Sequence[str], security: Sequence[str]) -> list[Mirror]:
    return [
        Mirror(uri, security[min(index, len(security) - 1)] if security else f"{uri}-security")
        for index, uri in enumerate(main)
    ]


def parse_apt_uris(text: str) -> list[Mirror]:
    """Mirrors from what `apt-get update --print-uris` prints.

    Other archives than Debian's own are left out. An archive without security suite gets the
    conventional `<main>-security`.
    """
    main: list[str] = []
    security: list[str] = []
    for line in text.splitlines():
        uri = _URI_LINE.fullmatch(line.strip())
        suite = _DEBIAN_SUITE.fullmatch(uri["suite"]) if uri else None
        if uri and suite:
            into = security if suite["pocket"] in _SECURITY_POCKETS else main
            into += [expanded.rstrip("/") for expanded in _expand(uri["root"])]
    return _paired(_unique(main), _unique(security))


def host_mirrors() -> list[Mirror]:
    """Mirrors of this machine's apt, in its order; empty if it has no apt or no Debian source."""
    if not shutil.which("apt-get"):
        return []
    # apt's own parser: knows both source formats, their options and where they're read from.
    command = ["apt-get", "update", "--print-uris"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return parse_apt_uris(done.stdout) if done.returncode == 0 else []


def find_mirrors(given: Sequence[str] = ()) -> list[Mirror]:
    """Mirrors to try, in order: given ones and those in $DEBIAN_MIRROR, without any all others.

    All others are the machine's own, and behind them the catalog's. $DEBIAN_SECURITY_MIRROR is the
    security archive of all that are given, when it isn't `<mirror>-security`.
    """
    named = [uri.rstrip("/") for uri in (*given, *os.environ.get("DEBIAN_MIRROR", "").split())]
    security = os.environ.get("DEBIAN_SECURITY_MIRROR", "").rstrip("/")
    if named:
        return [Mirror(uri, security or f"{uri}-security") for uri in _unique(named)]
    public = _paired(public_mirrors("debian", "main"), public_mirrors("debian", "security"))
    return [*host_mirrors(), *public]
