"""Reading a lock of any form."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tools.wheels.locks import pylock, requirements_txt, uv_lock
from tools.wheels.locks.pins import Lock, LockError


def read(path: Path, name: str) -> Lock:
    """Read a lock, which messages call `name`. LockError.

    Its form is told by the file's name: uv.lock, pylock.toml or pylock.<name>.toml, else
    requirements.txt, whatever its name is.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{name}: it can't be read: {error}") from None
    if path.suffix != ".toml" and path.name != "uv.lock":
        return requirements_txt.parse(text, name)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LockError(f"{name}: not TOML: {error}") from None
    try:
        if path.name == "uv.lock":
            return uv_lock.parse(document, name)
        return pylock.parse(document, name)
    except (AttributeError, KeyError, TypeError) as error:
        raise LockError(f"{name}: not of the form of its name: {error!r}") from None
