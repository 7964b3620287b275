"""The picture has what its text says, and bad text is one error with its place."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.catalog.catalog_error import CatalogError
from tools.pages.picture import columns, parse, svg

HERE = Path("docs/picture.txt")
TEXT = """\
# a comment
a: First | of <two>
b: Second
c: Third

a -> b, c
b -> c
"""
SPACE = "{http://www.w3.org/2000/svg}"


def test_a_box_stands_right_of_what_leads_to_it() -> None:
    assert columns(parse(TEXT, HERE)) == {"a": 0, "b": 1, "c": 2}


def test_the_picture_has_each_box_and_arrow() -> None:
    graph = parse(TEXT, HERE)
    made = svg(graph, "a & b")
    root = ElementTree.fromstring(made)
    assert [one.text for one in root.iter(f"{SPACE}text")] == [
        "First",
        "of <two>",
        "Second",
        "Third",
    ]
    assert len([one for one in root.iter(f"{SPACE}path") if one.get("marker-end")]) == 3
    assert root.findtext(f"{SPACE}title") == "a & b"
    boxes = [one for one in root.iter(f"{SPACE}rect") if one.get("rx")]
    width, height = int(root.get("width", 0)), int(root.get("height", 0))
    for box in boxes:
        x, y = int(box.get("x", -1)), int(box.get("y", -1))
        assert x > 0 and x + int(box.get("width", 0)) < width
        assert y > 0 and y + int(box.get("height", 0)) < height
    assert len({(box.get("x"), box.get("y")) for box in boxes}) == 3
    assert svg(graph, "a & b") == made


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: A\na: again\n", 2, "neither a new box nor arrows"),
        ("nothing\n", 1, "neither a new box nor arrows"),
        ("a: A\na -> b\n", 2, "no box is named 'b'"),
        ("a: A\nb: B\na -> b\nb -> a\n", None, "go round in a circle"),
    ],
)
def test_bad_text_is_one_error(text: str, line: int | None, words: str) -> None:
    with pytest.raises(CatalogError, match=words) as caught:
        parse(text, HERE)
    place = "docs/picture.txt" + (f":{line}: " if line else ": ")
    assert str(caught.value).startswith(place)
