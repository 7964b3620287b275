"""Text from outside, made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return `text` with every character that isn't printable as an escape sequence of Python's.

    So nothing moves the cursor, starts a line or turns the direction of writing:
    `printable("a\x1b[2J")` is `a\x1b[2J`, spelt out.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
