"""What a push tells while it runs: a bar on a terminal, a line per event elsewhere."""

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


class Progress:
    """Counts the bytes sent of all blobs together; safe to use from several threads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._terminal = self._out.isatty()
        self._lock = threading.Lock()
        self._drawn = 0.0
        self.total = 0
        self.sent = 0

    def expect(self, count: int) -> None:
        """Add `count` bytes to what has to be sent."""
        with self._lock:
            self.total += count
            self._draw()

    def advance(self, count: int) -> None:
        """Note `count` more bytes sent; negative where some have to be sent again."""
        with self._lock:
            self.sent += count
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
        if not self._terminal or not self.total or now - self._drawn < _INTERVAL:
            return
        self._drawn = now
        part = min(self.sent / self.total, 1)
        bar = "#" * round(part * _WIDTH)
        text = f"[{bar:<{_WIDTH}}] {megabytes(self.sent)} of {megabytes(self.total)}"
        print(f"\r\x1b[K{text}", end="", file=self._out, flush=True)
