"""A Debian mirror for apt in a container: the image's own, or else the machine's."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.container_runtime import Runtime
from tools.packages.debian.mirrors import find_mirrors

_SOURCES = "/etc/apt/sources.list.d/debian.sources"


def apt_sources(runtime: Runtime, image: str, folder: Path) -> tuple[str, ...]:
    """Options of `podman run` that give apt a mirror: none if it reaches its own.

    Skips the test if no mirror can be reached. `folder` takes the file that is mounted.
    """
    text = runtime.run(image, "cat", _SOURCES)
    uris = [line.split()[1] for line in text.splitlines() if line.startswith("URIs:")]
    suites = [line.split()[1] for line in text.splitlines() if line.startswith("Suites:")]
    assert uris
    if all(_reachable(f"{u}/dists/{s}/InRelease") for u, s in zip(uris, suites, strict=True)):
        return ()
    mirror = find_mirrors()[0]
    if not _reachable(f"{mirror.main}/dists/{suites[0]}/InRelease"):
        pytest.skip("no Debian mirror can be reached from here")
    for uri in uris:
        other = mirror.security if "security" in uri else mirror.main
        text = text.replace(f"URIs: {uri}\n", f"URIs: {other}\n")
    file = folder / "debian.sources"
    file.write_text(text)
    return ("--volume", f"{file}:{_SOURCES}:ro")


def _reachable(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=20).close()
    except (urllib.error.URLError, OSError, ValueError):
        return False
    return True
