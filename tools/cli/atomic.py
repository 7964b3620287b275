"""Writes a file whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, or leave what is there as it is.

    Folders that are missing are made. A file that is replaced keeps its permissions; a new one can
    be read by everybody.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        made = Path(file.name)
        try:
            file.write(text)
            file.close()
            made.chmod(path.stat().st_mode & 0o777 if path.is_file() else 0o644)
            made.replace(path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
