"""Writes the list of a package set: list_packages.py LIST.json PACKAGE.apk..."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.formats.alpine.apk import read_apk


def write_list(listing: Path, packages: Iterable[Path]) -> None:
    """Write what @alpine//<release>/<arch>:<set>.json has of locked packages."""
    rows = []
    for path in packages:
        apk = read_apk(path)
        rows.append(
            {
                "architecture": apk.one("arch"),
                "file": path.name,
                "package": apk.one("pkgname"),
                "path": f"v3.24/main/{apk.one('arch')}/{path.name}",
                "requested": True,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "size": path.stat().st_size,
                "version": apk.one("pkgver"),
            }
        )
    listing.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    write_list(Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]])
