"""make.py --output WHEEL --distribution NAME --version V … FILE…: a pure Python wheel of files.

The same bytes whoever makes it.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import re
import sys
import zipfile
from pathlib import Path

from tools.formats.archives import rules
from tools.formats.archives.archive_error import ArchiveError
from tools.wheels import names

_TAG = "py3-none-any"
# The earliest time a zip can say.
_TIME = (1980, 1, 1, 0, 0, 0)


def _metadata(distribution: str, version: str, requires: list[str]) -> str:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {distribution}",
        f"Version: {version}",
    ]
    lines += [f"Requires-Dist: {names.line(each)}" for each in requires]
    return "\n".join(lines) + "\n"


def _record(files: dict[str, bytes], record: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for name, data in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        writer.writerow([name, f"sha256={digest}", len(data)])
    writer.writerow([record, "", ""])
    return out.getvalue()


def make(
    out: Path,
    distribution: str,
    version: str,
    files: dict[str, bytes],
    requires: list[str],
    scripts: list[str],
) -> None:
    """Write the wheel `out`.

    Args:
        out: the file; its name has to be the one the distribution and version ask for.
        distribution: the distribution's name.
        version: its version.
        files: path in the wheel to content.
        requires: requirements, as in `Requires-Dist`.
        scripts: console entry points, `name = module:function`.

    Raises:
        ValueError, ArchiveError: a name, version, entry point or path isn't one.
    """
    names.distribution(distribution)
    names.version(version)
    stem = f"{re.sub(r'[-_.]+', '_', distribution)}-{version}"
    if out.name != f"{stem}-{_TAG}.whl":
        raise ValueError(f"{out}: the wheel's name has to be {stem}-{_TAG}.whl")
    paths = rules.Paths()
    for path in files:
        paths.add(rules.path(path), "file")
    members = dict(files)
    info = f"{stem}.dist-info"
    members[f"{info}/METADATA"] = _metadata(distribution, version, requires).encode()
    members[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: bazel\nRoot-Is-Purelib: true\nTag: {_TAG}\n".encode()
    )
    if scripts:
        for script in scripts:
            name, _, reference = script.partition("=")
            names.entry_point(name.strip(), reference.strip())
        lines = "".join(f"{line}\n" for line in scripts)
        members[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}".encode()
    members[f"{info}/RECORD"] = _record(members, f"{info}/RECORD").encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)


def main(argv: list[str] | None = None) -> int:
    """Command line; 1 and a single line where the input is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--distribution", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--requires", action="append", default=[], help="a Requires-Dist")
    parser.add_argument("--script", action="append", default=[], help="name = module:function")
    parser.add_argument("--file", nargs=2, action="append", default=[], help="PATH-IN-WHEEL FILE")
    args = parser.parse_args(argv)
    files = {name: Path(file).read_bytes() for name, file in args.file}
    try:
        make(args.output, args.distribution, args.version, files, args.requires, args.script)
    except (ArchiveError, ValueError) as error:
        print(f"wheel: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
