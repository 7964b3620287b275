"""A disk that fails once, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


class FailingDisk:
    """Lets the ``at``-th call of a method of Path, on a path below ``root``, fail.

    Attributes:
        failed: whether there were that many.
    """

    def __init__(self, patch: pytest.MonkeyPatch, root: Path, method: str, at: int) -> None:
        self.failed = False
        self._left = at
        real: Any = getattr(Path, method)

        def failing(path: Path, *words: Any, **named: Any) -> Any:
            if path.is_relative_to(root):
                self._left -= 1
                if self._left == 0:
                    self.failed = True
                    raise OSError(28, "No space left on device", str(path))
            return real(path, *words, **named)

        patch.setattr(Path, method, failing)
