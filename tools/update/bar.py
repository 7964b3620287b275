"""A bar for a download: redrawn in place on a terminal, one line per download elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

_WIDTH = 24
_MEBIBYTE = 1024 * 1024


class Bar:
    """Shows how much of ``label`` has arrived; a context manager, so that a line is always ended.

    ``total`` is the expected number of bytes, or None when the server doesn't say.
    """

    def __init__(self, stream: TextIO, label: str, total: int | None) -> None:
        self._stream = stream
        self._label = label
        self._total = total
        self._done = 0
        self._drawn = -1

    def __enter__(self) -> Bar:
        """Show the empty bar."""
        self.add(0)
        return self

    def add(self, count: int) -> None:
        """Say that ``count`` more bytes have arrived."""
        self._done += count
        step = self._done * _WIDTH // self._total if self._total else self._done // _MEBIBYTE
        if self._stream.isatty() and step != self._drawn:
            self._drawn = step
            filled = min(step, _WIDTH) if self._total else step % _WIDTH
            bar = "#" * filled + "-" * (_WIDTH - filled)
            self._stream.write(f"\r[{bar}] {self._megabytes()} {self._label}\x1b[K")
            self._stream.flush()

    def _megabytes(self) -> str:
        whole = f" of {self._total / _MEBIBYTE:.1f}" if self._total else ""
        return f"{self._done / _MEBIBYTE:.1f}{whole} MiB"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the line."""
        state = "fetched" if error is None else "failed "
        lead = "\r" if self._stream.isatty() else ""
        tail = "\x1b[K" if lead else ""
        self._stream.write(f"{lead}{state} {self._label} ({self._megabytes()}){tail}\n")
        self._stream.flush()
