"""Writing a program's outputs: all of them or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

# What writes each file.
Writers = Mapping[Path, Callable[[BinaryIO], object]]


def write_text(out: BinaryIO, text: str) -> None:
    """Writes text as UTF-8; what wasn't UTF-8 when it was read becomes the same bytes again."""
    out.write(text.encode("utf-8", "surrogateescape"))


def write_all(writers: Writers) -> None:
    """Writes all files under temporary names, then renames them: all or none."""
    done: list[tuple[str, Path]] = []
    with ExitStack() as stack:
        for path, write in writers.items():
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            stack.callback(Path(name).unlink, missing_ok=True)
            with os.fdopen(descriptor, "wb", buffering=1 << 20) as out:
                write(out)
            done.append((name, path))
        for name, path in done:
            Path(name).chmod(0o644)
            Path(name).replace(path)
