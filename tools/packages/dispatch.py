"""Lock what images are made from: hands over to the tool for its kind.

./bazelw run //tools:lock                             all Debian suites
./bazelw run //tools:lock -- trixie [OPTION...]       one of them, as --suite=trixie
./bazelw run //tools:lock -- trixie --keep            nothing newer: only what is missing or gone
./bazelw run //tools:lock -- alpine3.24 [OPTION...]   an Alpine release
./bazelw run //tools:lock -- ltsc2025 [OPTION...]     the base image of a Windows release
./bazelw run //tools:lock -- noble [OPTION...]        an Ubuntu suite
./bazelw run //tools:lock -- --help                   Debian's options; after another name its own
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.catalog import ubuntu as ubuntu_catalog
from tools.catalog.catalog_error import CatalogError
from tools.packages import lock_command
from tools.packages.alpine import lock_alpine as alpine
from tools.packages.debian import lock_debian as debian
from tools.packages.ubuntu import lock_ubuntu as ubuntu
from tools.packages.windows import lock_windows as windows

# The backends whose command lines begin with the names of what to lock.
_BACKENDS = {"alpine": alpine, "ubuntu": ubuntu, "windows": windows}


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The suites' names at the beginning of a command line, and the rest of it."""
    count = next((at for at, word in enumerate(argv) if word.startswith("-")), len(argv))
    return list(argv[:count]), list(argv[count:])


def kind(name: str) -> str:
    """What is locked under a name: alpine, windows, ubuntu or debian. Raises CatalogError."""
    if name.startswith("alpine"):
        return "alpine"
    if name.startswith("ltsc"):
        return "windows"
    top = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    return "ubuntu" if name in ubuntu_catalog.suite_names(top / "catalog") else "debian"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, 1 (--check found a stale lock) or 2 (error)."""
    names, options = split(sys.argv[1:] if argv is None else argv)
    try:
        kinds = {kind(name) for name in names}
    except CatalogError as error:
        print(f"lock: error: {error}", file=sys.stderr)
        return lock_command.FAILED
    if len(kinds) > 1:
        print(
            f"lock: error: {' '.join(names)}: suites of two kinds; lock each in its own run",
            file=sys.stderr,
        )
        return lock_command.FAILED
    # Debian's names are options, since none of them stands for all.
    if kinds <= {"debian"}:
        return debian.main([*(f"--suite={name}" for name in names), *options])
    (backend,) = (_BACKENDS[one] for one in kinds)
    status: int = backend.main([*names, *options])
    return status


if __name__ == "__main__":
    sys.exit(main())
