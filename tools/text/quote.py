r"""Text in another language, such that it is text there, too: never code, markup or control.

One function for each language. Each takes any text and returns what that language reads as it, or,
where the language can't say it, raises ValueError.

>>> shell("it's"), dockerfile('a "b"'), markdown("*a*"), terminal("\x1b[2J")
("'it'\"'\"'s'", '"a \\"b\\""', '\\*a\\*', '\\x1b[2J')
"""

from __future__ import annotations

import html as _html
import re
import shlex
import string

# C0, DEL, C1, what ends a line in Unicode, and halves of characters.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:@%+=,~-]+")
_MARKDOWN = re.compile("[" + re.escape(string.punctuation) + "]")
# Punctuation that means nothing to Markdown within a line: reads better without a backslash.
_HARMLESS = "%',./:;?@\"-+=^$()!{}"
# Backquotes in a code span need a longer fence around them.
_TICKS = re.compile("`+")


def line(text: str) -> str:
    """Text that has to be one line as it is, such as a comment: ValueError if it isn't."""
    if _CONTROL.search(text):
        raise ValueError(f"{text!r} has a control character")
    return text


def shell(text: str) -> str:
    """A word of a POSIX shell's command, on one line."""
    return shlex.quote(line(text))


def dockerfile(text: str) -> str:
    """A value of ENV, ARG or LABEL, or a word of another instruction of a Dockerfile."""
    line(text)
    if _PLAIN_WORD.fullmatch(text):
        return text
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'


def markdown(text: str) -> str:
    """Text within a line of Markdown, table cells included."""
    return _MARKDOWN.sub(
        lambda match: match[0] if match[0] in _HARMLESS else "\\" + match[0], line(text)
    )


def code(text: str) -> str:
    """A code span of Markdown."""
    line(text)
    fence = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    # One blank at both ends isn't part of the text, and keeps backquotes there from the fence.
    blank = " " if text[:1] in ("`", " ", "") or text[-1:] in ("`", " ") else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def html(text: str) -> str:
    """Text of HTML, or an attribute's value in quotes."""
    return _html.escape(line(text), quote=True)


def sarif(text: str) -> str:
    """The text of a SARIF message, where brackets are links and braces placeholders."""
    plain = _CONTROL.sub("\ufffd", text)
    return re.sub(r"([\\\[\]])", r"\\\1", plain).replace("{", "{{").replace("}", "}}")


def terminal(text: str) -> str:
    r"""Text for a terminal: what would move its cursor or turn its letters is shown as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else _escaped(character) for character in text
    )


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
