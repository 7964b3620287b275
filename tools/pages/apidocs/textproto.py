"""Reading Protocol Buffers' text format without a schema, as far as Bazel's documentation uses it.

https://protobuf.dev/reference/protobuf/textformat-spec/ describes the format. Bazel publishes no
package of its schema, without which `protobuf` can't read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# A field's name -> its values, in their order: texts, messages, and words such as True and STRING.
Message = dict[str, list[Any]]
_TOKEN = re.compile(r'\s*(?:([A-Za-z_]\w*|-?[0-9]+)|("(?:[^"\\\n]|\\.)*")|([:{}]))\s*')
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class TextprotoError(ValueError):
    """A text isn't in the format, or uses what isn't read here."""


def parse(text: str) -> Message:
    """The fields of a message.

    Raises:
        TextprotoError: the text can't be read.
    """
    return _message(_tokens(text), within=False)


def _tokens(text: str) -> Iterator[tuple[str, str, str]]:
    """Each (word, quoted text, sign), of which one isn't empty."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise TextprotoError(f"line {line}: {text[at : at + 20]!r} can't be read")
        yield found[1] or "", found[2] or "", found[3] or ""
        at = found.end()


def _message(tokens: Iterator[tuple[str, str, str]], *, within: bool) -> Message:
    made: Message = {}
    for name, _, sign in tokens:
        if sign == "}" and within:
            return made
        _, _, sign = next(tokens, ("", "", ""))
        if not name or sign not in (":", "{"):
            raise TextprotoError(f"{name!r} is no field")
        made.setdefault(name, []).append(
            _message(tokens, within=True) if sign == "{" else _scalar(name, tokens)
        )
    if within:
        raise TextprotoError("a message isn't closed")
    return made


def _scalar(name: str, tokens: Iterator[tuple[str, str, str]]) -> str:
    word, quoted, _ = next(tokens, ("", "", ""))
    if not word and not quoted:
        raise TextprotoError(f"{name} has no value")
    return _unquoted(quoted) if quoted else word


def _unquoted(quoted: str) -> str:
    """A quoted text's own: letters and octal bytes are escaped."""

    def plain(found: re.Match[bytes]) -> bytes:
        return bytes([int(found[1], 8)]) if found[1] else _LETTERS.get(found[2], found[2])

    return _ESCAPE.sub(plain, quoted[1:-1].encode()).decode()
