"""Wall time, and CPU time, which says something on a machine that is busy with other work, too."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall time, and of CPU time of it and what it started."""

    wall: float
    cpu: float


def measured(work: Callable[[], object]) -> Cost:
    """Run something, and return what it took."""
    wall, cpu = time.monotonic(), sum(os.times()[:4])
    work()
    return Cost(time.monotonic() - wall, sum(os.times()[:4]) - cpu)


@dataclass
class Series:
    """The runs of one row; `megabytes` that each of them moved, where that is known."""

    name: str
    costs: list[Cost] = field(default_factory=list)
    megabytes: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a row of bench.py's JSON, with CPU time beside."""
        row: dict[str, Any] = {
            "name": self.name,
            "unit": "s",
            "values": [round(cost.wall, 3) for cost in self.costs],
            "median": round(statistics.median(cost.wall for cost in self.costs), 3),
            "cpu": [round(cost.cpu, 3) for cost in self.costs],
        }
        return row if self.megabytes is None else {**row, "megabytes": round(self.megabytes, 1)}

    def as_text(self) -> str:
        """Return it as one line of the table."""
        sent = "" if self.megabytes is None else f"{self.megabytes:8.1f} MB"
        spreads = _spread([c.wall for c in self.costs]) + _spread([c.cpu for c in self.costs])
        return f"{self.name:<16}{spreads}{sent}"


HEAD = f"{'':<16}{'seconds':>8}{'':<16}{'CPU s':>8}{'':<16}"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):>8.2f} ({min(values):5.2f} …{max(values):6.2f})"
