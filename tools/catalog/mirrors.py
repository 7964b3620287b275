"""catalog/mirrors.json: public mirrors of the distributions that packages come from.

It is JSON since repository rules read it too, and Starlark can't read YAML.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = Path(__file__).parents[2] / "catalog" / "mirrors.json"


def public_mirrors(distribution: str, archive: str) -> list[str]:
    """The root URLs of an archive's public mirrors, in the order they are to be tried.

    Args:
        distribution: a key of the file, such as debian.
        archive: one of its lists, such as main.
    """
    mirrors: list[str] = json.loads(FILE.read_text(encoding="utf-8"))[distribution][archive]
    return mirrors
