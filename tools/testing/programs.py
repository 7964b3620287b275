"""Programs of the machine, for tests: which of them a test may see, and how it runs one as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

_NAMESPACE = ("unshare", "--user", "--map-root-user")


def without(names: Collection[str], path: str, folder: Path) -> str:
    """Return a PATH like `path` on which the programs `names` are not found.

    A folder that has one of them is replaced by one below `folder`, which must exist, with links
    to all else.
    """
    kept = []
    for number, place in enumerate(map(Path, path.split(os.pathsep))):
        if not any((place / name).exists() for name in names):
            kept.append(str(place))
            continue
        links = folder / str(number)
        links.mkdir()
        for program in place.iterdir():
            if program.name not in names:
                (links / program.name).symlink_to(program)
        kept.append(str(links))
    return os.pathsep.join(kept)


def as_root() -> tuple[str, ...] | None:
    """Return the words that go before a command to run it as root; None where that can't be done.

    For an ordinary user that is the root of a namespace: it may change its root directory, and owns
    what the user owns.
    """
    if os.geteuid() == 0:
        return ()
    if not shutil.which(_NAMESPACE[0]):
        return None
    tried = subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False)
    return None if tried.returncode else _NAMESPACE
