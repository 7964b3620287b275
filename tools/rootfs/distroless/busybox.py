"""/busybox of a debug image: the statically linked program, and a link for each of its applets."""

from __future__ import annotations

import re

from tools.rootfs.debian.package import Package
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

PACKAGE = "busybox-static"
FOLDER = "busybox"
_PROGRAM = re.compile(r"(?:usr/)?bin/busybox")
# Names of applets, as the program has them: sorted, each ends with a NUL, and these two come first.
_TABLE = re.compile(rb"(\[\0\[\[\0(?:[a-z0-9][A-Za-z0-9_.+-]*\0)+)")
# Of the many that make no sense in a container; who needs one calls `busybox NAME`.
_NO_LINKS = re.compile("busybox|init|linuxrc|.*\\.static")
_LEAST = 100


def busybox(system: System, package: Package) -> None:
    """Put the program of busybox-static where its applets are found, and nowhere else."""
    for file in package.files:
        if file.entry.kind == "file" and _PROGRAM.fullmatch(file.path):
            program = bytes(file.entry.content)
            break
    else:
        raise _unknown(package, "has no bin/busybox")
    tree = system.tree
    tree.put(f"{FOLDER}/busybox", program, source=package.name, mode=0o755)
    for name in applets(package, program):
        if not _NO_LINKS.fullmatch(name):
            tree.symlink(f"{FOLDER}/{name}", "busybox", source=package.name)


def applets(package: Package, program: bytes) -> list[str]:
    """Names of what the program can do, sorted. Raises RootfsError if it doesn't tell."""
    found = max(_TABLE.findall(program), key=len, default=b"")
    names = found.decode("ascii").split("\0")[:-1]
    if len(names) < _LEAST or "sh" not in names or names != sorted(names):
        raise _unknown(package, f"has a table of {len(names)} applets, or none in order")
    return names


def _unknown(package: Package, problem: str) -> RootfsError:
    return RootfsError(
        f"{package.name} {package.version}",
        problem,
        "Look at the package, then extend tools/rootfs/distroless/busybox.py.",
    )
