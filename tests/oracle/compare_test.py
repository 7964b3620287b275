"""The comparison finds differences, and the list of accepted ones is not too generous."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.compare import Allowed, Node, differences, nodes_of_entries, read_allowed
from tools.rootfs.tree import Entry

ALLOWED = Path(__file__).parent / "allow.txt"
FILE = Node("file", 0o644, 0, 0, "", b"# words\nsetting\n")


def changed(**fields: object) -> Node:
    values = {name: getattr(FILE, name) for name in Node.__slots__}
    return Node(**{**values, **fields})


def build_id(byte: bytes) -> bytes:
    return b"ELF\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0" + byte * 20 + b"code\n"


@pytest.mark.parametrize(
    "other",
    [
        changed(mode=0o600),
        changed(uid=1),
        changed(gid=1),
        changed(kind="dir"),
        changed(target="x"),
        changed(content=b""),
        None,
    ],
)
def test_every_difference_is_found(other: Node | None) -> None:
    theirs = {} if other is None else {"a": other}
    assert len(differences({"a": FILE}, theirs, [])) == 1
    assert len(differences(theirs, {"a": FILE}, [])) == 1


def test_equal_trees_do_not_differ() -> None:
    assert differences({"a": FILE}, {"a": FILE}, []) == []


def test_settings_may_differ_in_comments_only() -> None:
    entry = Allowed(1, "settings", "a")
    assert not differences({"a": FILE}, {"a": changed(content=b"\nsetting\n")}, [entry])
    assert entry.used
    assert differences({"a": FILE}, {"a": changed(content=b"setting 2\n")}, [entry])
    assert differences({"a": FILE}, {"a": changed(content=b"setting\n", mode=0o600)}, [entry])
    assert differences({"a": FILE}, {}, [entry])


def test_missing_allows_nothing_else() -> None:
    entry = Allowed(1, "missing", "a*")
    assert differences({}, {"ab": FILE}, [entry]) == []
    assert differences({"ab": FILE}, {}, [entry])
    assert differences({"ab": FILE}, {"ab": changed(uid=1)}, [entry])


def test_order_of_records_and_paragraphs_does_not_matter() -> None:
    for how, one, two in (
        ("lines", b"a\nb\n", b"b\na\n"),
        ("records", b"a\nb\nc\nd\ne\nf\n", b"d\ne\nf\na\nb\nc\n"),
        ("paragraphs", b"a\n\nb\n\n", b"b\n\na\n\n"),
        ("priority", b"Package: a\nPriority: b\n", b"Package: a\nPriority: c\n"),
        ("build-id", build_id(b"1"), build_id(b"2")),
    ):
        entry = Allowed(1, how, "a")
        theirs = {"a": changed(content=two)}
        assert not differences({"a": changed(content=one)}, theirs, [entry])
        assert differences({"a": changed(content=one + b"x\n")}, theirs, [entry])


def test_content_may_differ_but_nothing_else() -> None:
    entry = Allowed(1, "content", "a")
    assert not differences({"a": FILE}, {"a": changed(content=b"x")}, [entry])
    for other in (changed(mode=0o600), changed(kind="dir"), changed(target="x"), None):
        assert differences({"a": FILE}, {} if other is None else {"a": other}, [entry])


def test_hard_links_are_the_file_they_name() -> None:
    entries = {
        "a": Entry("file", 0o644, content=b"x"),
        "b": Entry("hardlink", 0o644, target="a"),
    }
    nodes = nodes_of_entries(entries)
    assert nodes["a"] == nodes["b"]


def test_the_list_is_well_formed(tmp_path: Path) -> None:
    assert len(read_allowed(ALLOWED)) > 10
    bad = tmp_path / "allow.txt"
    bad.write_text("ignore etc/passwd\n")
    with pytest.raises(ValueError, match=r"allow\.txt:1"):
        read_allowed(bad)
