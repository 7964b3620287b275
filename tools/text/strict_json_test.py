"""JSON from others: what is wrong with it is a ValueError."""

from __future__ import annotations

import pytest

from tools.text import strict_json


def test_what_is_read() -> None:
    assert strict_json.parse(b'{"a": [1, 2.5, null, "\xc3\xa9"]}') == {"a": [1, 2.5, None, "é"]}
    assert strict_json.parse("[" * 100 + "]" * 100)
    assert strict_json.parse(b'\xef\xbb\xbf["\\ud83d\\ude00"]') == ["😀"]
    assert strict_json.parse('["é"]'.encode("utf-16")) == ["é"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff\xfe\x00", "decode"),
        (b"[" * 1_000_000, "nested too deep"),
        (b'{"a":' * 500_000, "nested too deep"),
        (b'{"a": 1, "a": 2}', "the key 'a' twice"),
        (b"[NaN]", "the number NaN"),
        (b"[-Infinity]", "the number -Infinity"),
        (b"1" * 10_000, "digits"),
        (b'["\\ud800"]', r"has '\\ud800' in a text, half of a character"),
        (b'{"\\uDFFF": 1}', r"has '\\udfff' in a text, half of a character"),
        (b'["\xed\xa0\x80"]', "decode"),
        (b"[" + b"1," * 100 + b"1]", "has 203 bytes, more than 200"),
    ],
)
def test_what_is_refused(data: bytes, why: str) -> None:
    limit = 200 if "more than 200" in why else strict_json.LIMIT
    with pytest.raises(ValueError, match=why):
        strict_json.parse(data, limit)
