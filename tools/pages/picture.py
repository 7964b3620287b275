"""Draws a graph from text as SVG: boxes in columns, arrows from left to right.

The text has a line for each box and for each set of arrows; ``#`` begins a comment:

    name: first line, in bold | another line
    name -> name, name

A box stands right of all boxes that lead to it; a column keeps the order of the text. The
picture depends on the text alone: widths are fixed, so no font is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tools.catalog.catalog_error import CatalogError

# In pixels: a box, the space between columns and between boxes, the margin, a line of text.
_WIDTH, _GAP, _BETWEEN, _MARGIN, _LINE = 164, 28, 22, 12, 16
_PADDING = 10
_STYLE = (
    "rect{fill:#f4f7fb;stroke:#4a6a8a}path{fill:none;stroke:#4a6a8a;stroke-width:1.5}"
    "text{font:12px sans-serif;text-anchor:middle;fill:#1b2733}.name{font-weight:bold}"
)


@dataclass(frozen=True)
class Graph:
    """Boxes by name with their lines of text, and arrows as pairs of names, in the text's order."""

    boxes: Mapping[str, tuple[str, ...]]
    arrows: tuple[tuple[str, str], ...]


def parse(text: str, shown: Path) -> Graph:
    """Read a graph.

    Args:
        text: the graph's text.
        shown: the file that has it, as messages name it.

    Raises:
        CatalogError: a line is neither a box nor arrows, a name is unknown or occurs twice, or the
            arrows go round in a circle.
    """
    boxes: dict[str, tuple[str, ...]] = {}
    arrows: list[tuple[str, str]] = []

    def wrong(number: int | None, problem: str, remedy: str) -> CatalogError:
        return CatalogError(shown, number, "", problem, remedy)

    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        start, arrow, ends = line.partition("->")
        name, colon, words = line.partition(":")
        if arrow:
            for end in ends.split(","):
                pair = (start.strip(), end.strip())
                if unknown := [one for one in pair if one not in boxes]:
                    raise wrong(number, f"no box is named {unknown[0]!r}", "write its line first")
                arrows.append(pair)
        elif colon and name.strip() not in boxes:
            boxes[name.strip()] = tuple(part.strip() for part in words.split("|"))
        else:
            remedy = "write `name: text | text` once for each box, or `name -> name, name`"
            raise wrong(number, f"{line!r} is neither a new box nor arrows", remedy)
    graph = Graph(boxes, tuple(arrows))
    if max(columns(graph).values(), default=0) >= len(boxes) > 0:
        raise wrong(None, "the arrows go round in a circle", "remove one of them")
    return graph


def columns(graph: Graph) -> dict[str, int]:
    """The column of each box: right of all boxes that lead to it."""
    found = dict.fromkeys(graph.boxes, 0)
    for _ in graph.boxes:
        for start, end in graph.arrows:
            found[end] = max(found[end], found[start] + 1)
    return found


def _height(lines: Sequence[str]) -> int:
    return len(lines) * _LINE + 2 * _PADDING


def _places(graph: Graph) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Each box's upper left corner, and the picture's width and height."""
    by_column: dict[int, list[str]] = {}
    for name, column in columns(graph).items():
        by_column.setdefault(column, []).append(name)
    heights = {
        column: sum(_height(graph.boxes[name]) + _BETWEEN for name in names) - _BETWEEN
        for column, names in by_column.items()
    }
    height = max(heights.values(), default=0) + 2 * _MARGIN
    places: dict[str, tuple[int, int]] = {}
    for column, names in by_column.items():
        y = (height - heights[column]) // 2
        for name in names:
            places[name] = (_MARGIN + column * (_WIDTH + _GAP), y)
            y += _height(graph.boxes[name]) + _BETWEEN
    width = len(by_column) * (_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    return places, width, height


def svg(graph: Graph, title: str) -> str:
    """The picture.

    Args:
        graph: what to draw.
        title: what the picture shows, for those who can't see it.
    """
    places, width, height = _places(graph)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8"/></marker></defs>',
        f'<rect width="{width}" height="{height}" style="fill:#fff;stroke:none"/>',
    ]
    for start, end in graph.arrows:
        x, y = places[start]
        x, y = x + _WIDTH, y + _height(graph.boxes[start]) // 2
        to_x, to_y = places[end]
        to_y += _height(graph.boxes[end]) // 2
        middle = (x + to_x) // 2
        curve = f"M{x} {y}C{middle} {y} {middle} {to_y} {to_x - 1} {to_y}"
        lines.append(f'<path d="{curve}" marker-end="url(#tip)"/>')
    for name, words in graph.boxes.items():
        x, y = places[name]
        lines.append(f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_height(words)}" rx="5"/>')
        for number, line in enumerate(words):
            style = "" if number else ' class="name"'
            at = y + _PADDING + number * _LINE + 12
            lines.append(f'<text x="{x + _WIDTH // 2}" y="{at}"{style}>{escape(line)}</text>')
    return "\n".join([*lines, "</svg>", ""])
