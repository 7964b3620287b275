"""Progress on stderr: one line redrawn in place on a terminal, else a plain one now and then."""

from __future__ import annotations

import sys
import time

_REDRAW_SECONDS = 0.1
_PLAIN_SECONDS = 10.0


class Progress:
    """Progress of one step; `unit` scales and names the counts: (1, "packages"), (1e6, "MB")."""

    def __init__(self, step: str, total: float, unit: tuple[float, str] = (1, "packages")) -> None:
        self._step = step
        self._total = total
        self._scale, self._unit = unit
        self._terminal = sys.stderr.isatty()
        self._started = self._shown = time.monotonic()
        if self._terminal:
            self.update(0, force=True)
        else:
            sys.stderr.write(f"bazelw: {step}: {self._amount(total)} {self._unit}\n")
            sys.stderr.flush()

    def update(self, done: float, force: bool = False) -> None:
        """Show that `done` of the total are done, unless something was shown just now."""
        now = time.monotonic()
        pause = _REDRAW_SECONDS if self._terminal else _PLAIN_SECONDS
        if now - self._shown < pause and not force:
            return
        self._shown = now
        line = (
            f"bazelw: {self._step}: {self._amount(done)}/{self._amount(self._total)} {self._unit}"
        )
        sys.stderr.write(f"\r\x1b[K{line}" if self._terminal else line + "\n")
        sys.stderr.flush()

    def done(self) -> None:
        """Show that the step is complete, and what it took."""
        seconds = time.monotonic() - self._started
        line = (
            f"bazelw: {self._step}: {self._amount(self._total)} {self._unit} in {seconds:.0f} s\n"
        )
        sys.stderr.write(f"\r\x1b[K{line}" if self._terminal else line)
        sys.stderr.flush()

    def _amount(self, count: float) -> str:
        return f"{count / self._scale:.0f}"
