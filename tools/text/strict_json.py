"""Reading JSON from others: one error for all that can be wrong with it, and limits."""

from __future__ import annotations

import json
from typing import Any, NoReturn

# Bytes; the largest documents read, advisories of all of Debian, have some dozen million.
LIMIT = 1 << 28


def parse(data: bytes | str, limit: int = LIMIT) -> Any:
    """The value that `data` is JSON of.

    Raises:
        ValueError: it isn't JSON, has more than `limit` bytes, is nested too deep, has a key
            twice in an object, or a number that is none.
    """
    if len(data) > limit:
        raise ValueError(f"has {len(data)} bytes, more than {limit}")
    try:
        return json.loads(data, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has the key {twice!r} twice in an object")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"has the number {text}")
