"""Repacks data of Debian's as Alpine lays it out: certificates, time zones, terminals.

    pack_data.py --arch x86_64 --out FOLDER DEB...

Writes <package>.apk for each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from python_images.tests.alpine.pack_musl import package
from toolchains.trees.tree import Entry, Tree, read_packages

_CERTIFICATES = "usr/share/ca-certificates/"
_TERMINALS = "usr/share/terminfo/"
_ZONES = "usr/share/zoneinfo/"
_UPDATE = b"#!/bin/sh\nexec /usr/sbin/update-ca-certificates\n"


def data_packages(debs: Iterable[Path], arch: str) -> dict[str, bytes]:
    """The packages by name; `debs` are Debian's ca-certificates, ncurses-base and tzdata."""
    debian = read_packages(debs, lambda path: path.startswith("usr/"))
    certificates = {path: debian[path] for path in debian if path.startswith(_CERTIFICATES)}
    names = sorted(path.removeprefix(_CERTIFICATES) for path in certificates)
    certificates["etc/ca-certificates.conf"] = Entry(0o644, "\n".join([*names, ""]).encode())
    certificates["etc/ssl/cert.pem"] = Entry(0o777, target="certs/ca-certificates.crt")
    terminals: Tree = {
        "etc/terminfo/" + path.removeprefix(_TERMINALS): entry
        for path, entry in debian.items()
        if path.startswith(_TERMINALS)
    }
    zones = {path: entry for path, entry in debian.items() if path.startswith(_ZONES)}
    if not (names and terminals and zones):
        raise SystemExit(
            f"Debian's packages are laid out anew: {names[:3]} {len(terminals)} {len(zones)}"
        )
    return {
        "ca-certificates": package(
            "ca-certificates", "1-r0", arch, certificates,
            ["triggers = /usr/share/ca-certificates"], {"trigger": _UPDATE},
        ),
        "ncurses-terminfo-base": package("ncurses-terminfo-base", "1-r0", arch, terminals),
        "tzdata": package("tzdata", "1-r0", arch, zones),
    }  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", required=True, help="Alpine's name of the architecture")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("debs", nargs="+", type=Path)
    options = parser.parse_args()
    wanted = ("ca-certificates_", "ncurses-base_", "tzdata_")
    debs = [deb for deb in options.debs if deb.name.startswith(wanted)]
    for name, data in data_packages(debs, options.arch).items():
        (options.out / f"{name}.apk").write_bytes(data)


if __name__ == "__main__":
    main()
