"""extract.py --deb PACKAGE.deb --member usr/bin/qemu-aarch64 --out FILE: one program of a package.

The package may be given as several files; the one that has the member is taken.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tarfile
from pathlib import Path

from tools.formats.debian.deb import DebError, read_deb


def extract(deb: Path, member: str, out: Path) -> bool:
    """Write `member` of `deb` to `out`, executable; whether the package has it."""
    with (
        read_deb(deb).open_data() as data,
        tarfile.open(fileobj=data, mode="r|") as archive,
    ):
        for info in archive:
            if info.name.removeprefix("./") != member:
                continue
            content = archive.extractfile(info)
            if content is None:
                raise DebError(deb, f"{member} is no regular file")
            made = out.with_name(out.name + ".part")
            with made.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            if made.stat().st_size != info.size:
                raise DebError(deb, f"{member} is incomplete")
            made.chmod(0o755)
            made.replace(out)
            return True
    return False


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deb", type=Path, action="append", required=True)
    parser.add_argument("--member", required=True, help="path in the package, without leading /")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(arguments)
    try:
        if any(extract(deb, args.member, args.out) for deb in args.deb):
            return 0
    except (DebError, tarfile.TarError, OSError, EOFError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"error: no package has {args.member}: {[d.name for d in args.deb]}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
