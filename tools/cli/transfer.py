"""The display of bytes on their way: a bar on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import Final, TextIO

from tools.text import quote

_INTERVAL: Final = 0.1
_WIDTH: Final = 30


def megabytes(count: float) -> str:
    """Return a number of bytes for people."""
    return f"{count / 1e6:.1f} MB"


class Transfer:
    """Counts the bytes of one or more transfers together; safe to use from several threads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._terminal = self._out.isatty()
        self._lock = threading.Lock()
        self._drawn = 0.0
        self.total = 0
        self.done = 0

    def __enter__(self) -> Transfer:
        """Do nothing; it is drawn once something is expected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.close()

    def expect(self, count: int) -> None:
        """Add `count` bytes to what has to be transferred."""
        with self._lock:
            self.total += count
            self._draw()

    def advance(self, count: int) -> None:
        """Note `count` more bytes; negative where some have to be transferred again."""
        with self._lock:
            self.done += count
            self._draw()

    def line(self, text: str) -> None:
        """Write a line that stays; `text` may have parts from outside."""
        text = quote.terminal(text)
        with self._lock:
            if self._terminal:
                text = "\r\x1b[K" + text
            print(text, file=self._out, flush=True)
            self._drawn = 0.0
            self._draw()

    def close(self) -> None:
        """Take the bar away."""
        with self._lock:
            if self._terminal and self._drawn:
                print("\r\x1b[K", end="", file=self._out, flush=True)

    def _draw(self) -> None:
        now = time.monotonic()
        if not self._terminal or not self._text or now - self._drawn < _INTERVAL:
            return
        self._drawn = now
        print(f"\r\x1b[K{self._text}", end="", file=self._out, flush=True)

    @property
    def _text(self) -> str:
        """The bar; the number alone where nobody tells the total; nothing before the first byte."""
        if not self.total:
            return megabytes(self.done) if self.done else ""
        bar = "#" * round(min(self.done / self.total, 1) * _WIDTH)
        return f"[{bar:<{_WIDTH}}] {megabytes(self.done)} of {megabytes(self.total)}"
