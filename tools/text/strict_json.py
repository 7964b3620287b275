"""Reading JSON from others: one error for all that can be wrong with it, and limits."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

# Bytes; the largest documents read, advisories of all of Debian, have some dozen million.
LIMIT = 1 << 28
# Half of a character beyond U+FFFF, as JSON escapes it: whole ones are pairs of them.
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parse(data: bytes | str, limit: int = LIMIT) -> Any:
    """The value that `data` is JSON of.

    Raises:
        ValueError: it isn't JSON, has more than `limit` bytes, is nested too deep, has a key
            twice in an object, a number that is none, or text that UTF-8 can't have.
    """
    if len(data) > limit:
        raise ValueError(f"has {len(data)} bytes, more than {limit}")
    # json itself would let halves of characters through, which nothing can be written with.
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data))
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("is nested too deep") from None
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise ValueError(f"has {half!a} in a text, half of a character") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has the key {twice!r} twice in an object")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"has the number {text}")
