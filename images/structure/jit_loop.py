"""Prints what a loop computes that runs often, and whether the JIT has compiled some of it."""

from __future__ import annotations

import _opcode  # type: ignore[import-not-found]
import contextlib
from collections.abc import Iterator
from types import CodeType


def count(numbers: range) -> int:
    """A loop with two branches."""
    total = 0
    for number in numbers:
        if number % 3:
            total += number * 2
        else:
            total -= number
    return total


def compiled(code: CodeType) -> Iterator[int]:
    """The sizes of the machine code that begins somewhere in `code`."""
    for offset in range(0, len(code.co_code), 2):
        # Nothing begins at most of them.
        with contextlib.suppress(ValueError):
            yield len(_opcode.get_executor(code, offset).get_jit_code())


if __name__ == "__main__":
    for _ in range(20):
        found = count(range(20_000))
    print(found, any(compiled(count.__code__)))
