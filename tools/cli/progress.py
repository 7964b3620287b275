"""One line of state per job: redrawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TextIO


class Progress:
    """Thread-safe display of what each of a few named jobs is doing."""

    def __init__(self, stream: TextIO, jobs: Sequence[str]) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._states = dict.fromkeys(jobs, "waiting")
        self._width = max((len(job) for job in jobs), default=0)
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._drawn = 0

    def _line(self, job: str) -> str:
        return f"{job:<{self._width}}  {self._states[job]}"

    def show(self, job: str, state: str, *, final: bool = False) -> None:
        """Record what `job` does now; `final` adds the time since the start."""
        with self._lock:
            elapsed = f" ({time.monotonic() - self._start:.1f} s)" if final else ""
            self._states[job] = state + elapsed
            if not self._terminal:
                print(self._line(job), file=self._stream, flush=True)
                return
            if self._drawn:
                self._stream.write(f"\x1b[{self._drawn}F")
            for name in self._states:
                self._stream.write(f"{self._line(name)}\x1b[K\n")
            self._drawn = len(self._states)
            self._stream.flush()
