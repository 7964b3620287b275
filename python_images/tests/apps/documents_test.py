"""The documents about an image of your own follow what is added to the base, and taken away."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def bill(variable: str) -> dict[str, dict[str, Any]]:
    """The components of a CycloneDX file among those that a variable names, by name."""
    (file,) = (name for name in os.environ[variable].split() if name.endswith(".cdx.json"))
    found: list[dict[str, Any]] = json.loads(Path(file).read_text())["components"]
    return {component["name"]: component for component in found}


def test_packages_upon_the_base_are_listed() -> None:
    """With what the lock says of them, besides those of the base."""
    found = bill("IMAGE")
    lock = Path(os.environ["LOCK"]).read_text()
    for name in ("jq", "libjq1", "libxml2-utils"):
        (sha256,) = {hash["content"] for hash in found[name]["hashes"]}
        assert f"{name} {found[name]['version']} amd64 " in lock
        assert sha256 in lock
    assert found["jq"]["purl"].startswith("pkg:deb/debian/jq@")
    assert {"cpython", "pip", "bash", "hello"} <= found.keys()


def test_what_is_taken_away_is_not_listed() -> None:
    """Neither pip nor what it vendors; all else is as in the image below."""
    image, lean = bill("IMAGE"), bill("LEAN")
    gone = image.keys() - lean.keys()
    assert "pip" in gone
    assert "urllib3" in gone
    assert lean.keys() <= image.keys()
    assert {"cpython", "jq", "hello"} <= lean.keys()
