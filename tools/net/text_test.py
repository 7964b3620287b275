"""Text from outside stays text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tools.net.errors import NetError
from tools.net.text import printable


def test_what_moves_a_terminal_is_spelt_out() -> None:
    assert printable("a\x1b[2Jb\r\n\x07\x9b31m") == r"a\x1b[2Jb\r\n\x07\x9b31m"
    # Text that turns its direction, and a separator of lines.
    assert printable("a\u202eb\u2028") == r"a\u202eb\u2028"
    assert printable("Größe 3 “MB” …") == "Größe 3 “MB” …"


@given(st.text())
def test_nothing_but_printable_characters_is_left(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
    assert str(NetError(text)).isprintable()
