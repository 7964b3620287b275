"""A checkout for tests, with a small catalog that never changes.

Tests that name releases, suites or platforms use this one: a new row in the real catalog must not
be a reason to change a test.
"""

from __future__ import annotations

import shutil
from pathlib import Path

CATALOG = Path(__file__).parents[2] / "catalog"
FROZEN = Path(__file__).parent / "testdata" / "catalog"


def checkout(folder: Path) -> Path:
    """Fill ``folder`` with a writable ``catalog``: the frozen files, and else the real ones."""
    made = folder / "catalog"
    for source in (CATALOG, FROZEN):
        for file in sorted(source.rglob("*")):
            if file.is_file():
                target = made / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
    return folder
