"""The part of docs/images.md that lists hardened images, which docker-library hasn't."""

from __future__ import annotations

from tools.catalog.model import Catalog

_HEAD = """
## Hardened images

docker-library has none of these, and their tags stand for nothing there. [hardened.md](hardened.md)
says what they are. Each is for the platforms of its suite.

"""


def section(catalog: Catalog) -> str:
    """The part, in Markdown; empty without such images."""
    lines = [
        f"-\t{', '.join(f'`{tag}`' for tag in image.tags)}\n"
        for image in catalog.images()
        if image.variant.hardened
    ]
    return _HEAD + "".join(lines) if lines else ""
