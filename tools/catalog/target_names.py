"""What images and CPythons are called as targets, as python_images/private has it in Starlark."""

from __future__ import annotations


def image(tag: str, platform: str) -> str:
    """The image of one platform, by one of its tags: ``3.14-slim_arm64``."""
    return f"{tag}_{platform}"


def cpython(version: str, suite: str, platform: str) -> str:
    """A CPython: ``3.14.7_trixie_arm64``."""
    return f"{version}_{suite}_{platform}"
