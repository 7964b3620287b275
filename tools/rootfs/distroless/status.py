"""The package database of a distroless root: a file for each package, as scanners read it.

`var/lib/dpkg/status.d/<package>` is the package's control file, `<package>.md5sums` what of it is
in the image. dpkg itself reads neither; the form is that of Google's distroless images, which syft,
trivy and others know.
"""

from __future__ import annotations

import hashlib

from tools.rootfs.debian.package import Package
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

FOLDER = "var/lib/dpkg/status.d"
_SOURCE = "the package database"


def write_status(system: System) -> None:
    """Write the files of all packages of the system.

    Raises:
        RootfsError: the licence of a package isn't in the image.
    """
    for name, package in sorted(system.packages.items()):
        _require_copyright(system, package)
        control = package.control_files["control"].data
        system.tree.put(f"{FOLDER}/{name}", control.rstrip(b"\n") + b"\n", source=_SOURCE)
        system.tree.put(f"{FOLDER}/{name}.md5sums", _sums(system, package), source=_SOURCE)


def _sums(system: System, package: Package) -> str:
    """What of a package is in the image: a line for each file, as md5sum writes it."""
    lines: list[str] = []
    for file in package.files:
        path = system.tree.normalise(file.path)
        entry = system.tree.entries.get(path)
        if file.entry.kind == "file" and entry is not None and entry.source == package.name:
            digest = hashlib.md5(entry.content, usedforsecurity=False).hexdigest()
            lines.append(f"{digest}  {path}\n")
    return "".join(lines)


def _require_copyright(system: System, package: Package) -> None:
    folder = f"usr/share/doc/{package.name}"
    if system.tree.resolve(f"{folder}/copyright") is not None:
        return
    entry = system.tree.get(folder)
    where = f"it is in {entry.target}" if entry is not None and entry.target else "it ships none"
    raise RootfsError(
        f"{package.name} {package.version}",
        f"has no copyright file in the image: {where}",
        f"Name the package that has it in the sets of the root: `distroless` of {system.suite} in "
        "catalog/suites.yaml; then ./bazelw run //tools:lock -- --add-only",
    )
