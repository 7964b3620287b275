"""Writing a program's outputs, side by side: all of them or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

# What writes each file. None needs what another does.
Writers = Mapping[Path, Callable[[BinaryIO], object]]


def write_text(out: BinaryIO, text: str) -> None:
    """Write text as UTF-8; what wasn't UTF-8 when it was read becomes the same bytes again."""
    out.write(text.encode("utf-8", "surrogateescape"))


def write_all(writers: Writers) -> None:
    """Write all files under temporary names, then rename them: all or none."""
    with ExitStack() as stack:
        temporary: dict[Path, Path] = {}
        for path in writers:
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            os.close(descriptor)
            temporary[path] = Path(name)
            stack.callback(temporary[path].unlink, missing_ok=True)

        def write(path: Path) -> None:
            with temporary[path].open("wb", buffering=1 << 20) as out:
                writers[path](out)

        # What is written waits for the kernel: what is to be written is worked out meanwhile.
        with ThreadPoolExecutor(len(writers) or 1) as pool:
            list(pool.map(write, writers))
        for path, written in temporary.items():
            written.chmod(0o644)
            written.replace(path)
