"""What pages say of hardened images, which docker-library hasn't: their tags, and what has run."""

from __future__ import annotations

from collections.abc import Iterable

from tools.catalog.model import Catalog
from tools.pages.table import Row

_HEAD = """
## Hardened images

docker-library has none of these, and their tags stand for nothing there. [hardened.md](hardened.md)
says what they are. Each is for the platforms of its suite.

"""


def section(catalog: Catalog) -> str:
    """The part of docs/images.md, in Markdown; empty without such images."""
    lines = [
        f"-\t{', '.join(f'`{tag}`' for tag in image.tags)}\n"
        for image in catalog.images()
        if image.variant.hardened
    ]
    return _HEAD + "".join(lines) if lines else ""


def matrix(catalog: Catalog, found: Iterable[Row]) -> str:
    """The platforms on which each hardened image has passed its tests, a line for each CPython.

    Args:
        catalog: what there is.
        found: what is known of it, table.rows.
    """
    ran = {row.target.rpartition(":")[2]: row.ran for row in found}
    kinds = [variant.kind for variant in catalog.variants.values() if variant.hardened]
    lines = [
        f"| version | suite | platforms | {' | '.join(f'`{kind}`' for kind in kinds)} |",
        f"|---|---|---:|{'---|' * len(kinds)}",
    ]
    images = {
        (image.version.release.label, image.suite.name, image.variant.kind): image
        for image in catalog.images()
        if image.variant.hardened
    }
    for label, suite in dict.fromkeys(key[:2] for key in images):
        of_both = [images.get((label, suite, kind)) for kind in kinds]
        platforms = max(len(image.platforms) for image in of_both if image)
        cells = [", ".join(ran[image.name]) if image else "" for image in of_both]
        lines.append(f"| {label} | {suite} | {platforms} | {' | '.join(cells)} |")
    return "\n".join(lines)
