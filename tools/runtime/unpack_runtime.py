"""Unpacks the CPython of an image: unpack_runtime.py --image TAR --launcher SH --output FOLDER.

The layout::

    lib/                        the image's shared libraries, its dynamic linker among them
    usr/local/bin/python3       the launcher; also by the name of the minor version
    usr/local/lib/              the standard library, and what is installed beside it
    usr/local/libexec/python    the program
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools.runtime.archive import ArchiveError, File, Image

# What the tool interpreter is for, hence the machines that actions and tests run on.
MACHINE = "amd64"
_LIBRARY = re.compile(r"(usr/)?lib(64|/[^/]+-linux-gnu)/[^/]+\.so[.0-9]*")
_LOADER = re.compile(r"ld-linux[^/]*\.so\.[0-9]+")
_PROGRAM = re.compile(r"usr/local/bin/python3\.[0-9]+t?")


def _wanted(path: str) -> bool:
    return (
        path.startswith("usr/local/lib/")
        or _PROGRAM.fullmatch(path) is not None
        or _LIBRARY.fullmatch(path) is not None
    )


def _libraries(image: Image) -> dict[str, File]:
    """The libraries by the names that programs ask for: those no link leads to."""
    paths = [path for path in sorted(image.files) if _LIBRARY.fullmatch(path)]
    behind = {image.resolve(path) for path in paths if image.files[path].link}
    found = {}
    for path in paths:
        target = image.resolve(path)
        if path not in behind and target is not None:
            found[path.rpartition("/")[2]] = image.files[target]
    return found


def layout(image: Image, launcher: str) -> dict[str, File]:
    """The files of the folder, by path.

    Raises:
        ArchiveError: the image is for other machines, or has no CPython.
    """
    if image.architecture != MACHINE:
        raise ArchiveError(
            f"the image is for {image.architecture}; name one for {MACHINE}, which tests run on"
        )
    libraries = _libraries(image)
    loaders = [name for name in libraries if _LOADER.fullmatch(name)]
    programs = [path for path in sorted(image.files) if _PROGRAM.fullmatch(path)]
    program = image.resolve(programs[0]) if programs else None
    if program is None or len(programs) != 1 or len(loaders) != 1:
        raise ArchiveError(
            f"the image has {len(programs)} CPythons in /usr/local/bin and {len(loaders)} dynamic "
            "linkers of glibc; name an image of Python on Debian or Ubuntu"
        )
    script = File(launcher.replace("%loader%", loaders[0]).encode(), executable=True)
    found = {f"lib/{name}": file for name, file in libraries.items()}
    found["usr/local/libexec/python"] = image.files[program]
    found["usr/local/bin/python3"] = found[programs[0]] = script
    for path in image.below("usr/local/lib"):
        target = image.resolve(path)
        if target is not None:
            found[path] = image.files[target]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write the folder, or print what's wrong; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True, help="archive, as docker load takes")
    parser.add_argument("--launcher", type=Path, required=True, help="text of the launcher")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    asked = parser.parse_args(arguments)
    try:
        files = layout(Image(asked.image, _wanted), asked.launcher.read_text(encoding="utf-8"))
    except (ArchiveError, OSError) as error:
        print(f"cpython_runtime: {error}", file=sys.stderr)
        return 2
    for path, file in files.items():
        target = asked.output / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(0o755 if file.executable else 0o644)
    return 0


if __name__ == "__main__":
    sys.exit(main())
