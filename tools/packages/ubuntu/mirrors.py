"""Which mirrors of Ubuntu's archive there are for an architecture.

The archive has two halves with mirrors of their own: one for the PC, and ports for all other
architectures. They are the user's choice, else what the machine's own apt is configured with and
public ones. `python_images/private/roots/ubuntu/lock.bzl` is the same for Bazel's repository rules.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.catalog.mirrors import public_mirrors
from tools.packages.debian.mirrors import Mirror

# What apt would fetch, one per line: '<archive root>/dists/<suite>/InRelease' <file> <size>.
_URI_LINE = re.compile(r"'(?P<root>[^']+?)/dists/(?P<suite>[^'/]+)/InRelease' .*")
# Suites by which a source of apt's is known to be Ubuntu's own archive. Not those of security
# updates: they're often asked of a server that has no others.
_SUITE = re.compile(r"(?:focal|jammy|noble|plucky|questing|resolute)(?:-updates|-backports)?")


class MirrorError(Exception):
    """A mirror that can't be one; the message names the option."""


@dataclass(frozen=True)
class Half:
    """One half of the archive: how to name mirrors of it."""

    option: str
    variable: str


HALVES: Mapping[str, Half] = {
    "archive": Half("--mirror", "UBUNTU_MIRROR"),
    "ports": Half("--ports-mirror", "UBUNTU_PORTS_MIRROR"),
}


def parse_apt_uris(text: str) -> list[str]:
    """Roots of Ubuntu's archive in what `apt-get update --print-uris` prints, each once."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        uri = _URI_LINE.fullmatch(line.strip())
        if uri and _SUITE.fullmatch(uri["suite"]) and re.match(r"(https?|file):", uri["root"]):
            found[uri["root"].rstrip("/")] = None
    return list(found)


def _output(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def host_mirrors() -> tuple[str, list[str]]:
    """(Debian's name of this machine's architecture, the mirrors its apt uses for that)."""
    found = parse_apt_uris(_output("apt-get", "update", "--print-uris"))
    return _output("dpkg", "--print-architecture").strip(), found


def find_mirrors(
    halves: Mapping[str, str], given: Mapping[str, Sequence[str]]
) -> dict[str, tuple[Mirror, ...]]:
    """Mirrors to try for each architecture, in order.

    They are those given for its half of the archive and those in the half's variable. Without any
    they are those of this machine, which are good for its own half, and behind them the catalog's.

    Args:
        halves: architecture -> its half, a key of HALVES.
        given: half -> root URLs.

    Raises MirrorError if one that is given is no URL.
    """
    named = {
        half: [*given.get(half, ()), *os.environ.get(about.variable, "").split()]
        for half, about in HALVES.items()
    }
    needed = set(halves.values())
    if any(not named[half] for half in needed):
        arch, own = host_mirrors()
        for half in needed:
            if not named[half]:
                named[half] = [
                    *(own if halves.get(arch) == half else ()),
                    *public_mirrors("ubuntu", half),
                ]
    for half in needed:
        for url in named[half]:
            if not re.match(r"(https?|file)://", url):
                raise MirrorError(f"{HALVES[half].option}={url}: no http, https or file URL")
    roots = {half: list(dict.fromkeys(url.rstrip("/") for url in named[half])) for half in needed}
    # Security updates are a pocket of the same archive.
    return {
        arch: tuple(Mirror(root, root) for root in roots[half]) for arch, half in halves.items()
    }
