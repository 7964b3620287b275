"""Python's layer: what is in python.org's zip archive, as a tar in the form of Windows layers.

In that form everything of the file system is below Files/, the registry's changes below Hives/
(none here, but the folder is there), and what Windows knows of a file and tar doesn't is in PAX
records: its attributes, its security descriptor, the time it was made. All times are one.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from tools.packages.windows.windows_error import WindowsError
from tools.windows import archive, launchers, layer_rules, security

# Where docker-library has Python: C:\Python.
FOLDER: Final = "Python"
INTERPRETER: Final = "C:\\Python\\python.exe"

# File attributes: a folder, and what backup programs take a new file for.
_DIRECTORY, _ARCHIVE = "16", "32"
_ROOTS: Final = (layer_rules.FILES, layer_rules.HIVES)


def _entry(name: str, epoch: int, *, folder: bool) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    made.mode = 0o755 if folder else 0o644
    made.mtime = epoch
    made.pax_headers = {
        "LIBARCHIVE.creationtime": str(epoch),
        "MSWINDOWS.fileattr": _DIRECTORY if folder else _ARCHIVE,
        "atime": str(epoch),
        "ctime": str(epoch),
    }
    # The roots are Windows' own: they keep what the base image gave them.
    if name not in _ROOTS:
        descriptor = security.FOLDER if folder else security.FILE
        made.pax_headers["MSWINDOWS.rawsd"] = base64.b64encode(descriptor).decode()
    return made


def write(files: Mapping[str, bytes], epoch: int, out: io.BufferedIOBase) -> None:
    """Write a layer with the files (paths on C:, with /) and their folders; `epoch` in seconds."""
    paths = {f"Files/{name}": data for name, data in files.items()}
    folders = {str(folder) for name in paths for folder in PurePosixPath(name).parents} - {"."}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted({*_ROOTS, *folders, *paths}, key=lambda name: name.split("/")):
            entry = _entry(name, epoch, folder=name not in paths)
            if name in paths:
                entry.size = len(paths[name])
            tar.addfile(entry, io.BytesIO(paths.get(name, b"")))


def main(argv: list[str] | None = None) -> int:
    """Write the layer of a release; 1 and a single line where the archive is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, required=True, help="python.org's zip archive")
    parser.add_argument("--version", required=True, help="the release, such as 3.14.7")
    parser.add_argument("--epoch", type=int, required=True, help="seconds since 1970 of all times")
    parser.add_argument("--leave-out", action="append", default=[], help="a file or folder")
    parser.add_argument("--output", type=Path, required=True, help="the tar to write")
    args = parser.parse_args(argv)
    try:
        files = archive.read(args.archive, args.version, args.leave_out)
        try:
            files = launchers.add_pip(files, INTERPRETER, args.version)
        except WindowsError as error:
            raise WindowsError(f"{args.archive}: {error}") from None
        made = io.BytesIO()
        write({f"{FOLDER}/{name}": data for name, data in files.items()}, args.epoch, made)
        made.seek(0)
        layer_rules.check(made, args.archive)
        args.output.write_bytes(made.getbuffer())
    except (WindowsError, OSError) as error:
        print(f"windows layer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
