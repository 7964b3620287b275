"""layer.py --python 3.13 --output TAR WHEEL...: install wheels into a layer of a Python image.

The files go where pip of the image would put them: /usr/local/lib/python<minor>/site-packages, and
scripts and console entry points into /usr/local/bin. Nothing is run, so wheels for any platform do.
"""

from __future__ import annotations

import argparse
import io
import sys
import tarfile
from pathlib import Path, PurePosixPath

from packaging.utils import InvalidWheelFilename

from tools.formats.archives import rules
from tools.formats.archives.archive_error import ArchiveError
from tools.wheels.install import PREFIX, WheelError, install
from tools.wheels.locks.choose import rank
from tools.wheels.locks.target import Target

# Earlier than any file of the image; tar and zip both can say it, in every time zone:
# 1980-01-02T00:00:00Z.
EPOCH = 315619200


def write(wheels: list[Path], python: str, out: Path) -> None:
    """Write the layer; two wheels with different files of one path are an error."""
    files: dict[str, tuple[bytes, int]] = {}
    owners: dict[str, Path] = {}
    paths = rules.Paths()
    for wheel in wheels:
        for path, content in install(wheel, python).items():
            if files.setdefault(path, content) != content:
                raise WheelError(
                    f"{owners[path].name} and {wheel.name} have different files for /{path}: leave "
                    "one of them out, or give each a wheel_layer; then the upper layer's file is "
                    "in the image"
                )
            if path not in owners:
                try:
                    paths.add(rules.path(path), "file")
                except ArchiveError as error:
                    raise WheelError(f"{wheel}: {error}") from None
            owners.setdefault(path, wheel)
    # Folders that the image has stay as they are there.
    present = {PREFIX, f"{PREFIX}/bin", f"{PREFIX}/lib", f"{PREFIX}/lib/python{python}"}
    present |= {"usr", f"{PREFIX}/lib/python{python}/site-packages"}
    present |= {f"{PREFIX}/include", f"{PREFIX}/include/python{python}"}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted((folders - present) | set(files)):
            info = tarfile.TarInfo(path)
            info.mtime = EPOCH
            if path in files:
                data, info.mode = files[path]
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)


def check(wheel: Path, image: Target) -> None:
    """WheelError unless a wheel is for the image, by its name."""
    try:
        fits = rank(wheel.name, image) is not None
    except InvalidWheelFilename as error:
        raise WheelError(f"{wheel}: {error}") from None
    if not fits:
        tags = "-".join(wheel.stem.split("-")[-3:])
        raise WheelError(
            f"{wheel.name} is for {tags}, and the image is {image}: give the wheel that is for it"
        )


def main(argv: list[str] | None = None) -> int:
    """Command line; 1 and a single line where a wheel is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="the image's minor version: 3.13")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--platform", help="the image's, to check the wheels: arm64")
    parser.add_argument("--libc", default="", help="the image's C library: 'glibc 2.41'")
    parser.add_argument("wheels", type=Path, nargs="*")
    args = parser.parse_args(argv)
    try:
        if args.platform:
            image = Target.of(args.platform, args.python, args.libc)
            for wheel in args.wheels:
                check(wheel, image)
        write(args.wheels, args.python, args.output)
    except (WheelError, OSError, ValueError) as error:
        print(f"wheel layer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
