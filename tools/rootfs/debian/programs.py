"""Programs of Debian packages that compute what a root file system contains.

Byte code of Python and a few databases are made by programs whose output is the program's own
business. They come from locked packages for the build machine, never from the tree that is
computed, so that a tree of any architecture can be made.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.rootfs.command import relock
from tools.rootfs.debian.package import Package, load_packages, unpack_all
from tools.rootfs.errors import RootfsError
from tools.rootfs.tree import Tree

_ARCH = "amd64"
TRIPLET = "x86_64-linux-gnu"
_LOADER = "lib64/ld-linux-x86-64.so.2"
_LIBRARIES = (f"usr/lib/{TRIPLET}", f"lib/{TRIPLET}")
_MERGED = {name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}


class Programs:
    """Packages whose programs can be run; unpacked to a temporary folder at first use."""

    def __init__(self, debs: Sequence[Path]) -> None:
        self._debs = debs
        self._packages: dict[str, Package] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def top(self) -> Path:
        """Where the packages are unpacked."""
        if self._folder is None:
            packages = load_packages([(path, False) for path in self._debs], _ARCH)
            self._packages = {package.name: package for package in packages}
            # Removed when this object is.
            self._folder = tempfile.TemporaryDirectory(prefix="rootfs-programs.")
            _unpack(packages, Path(self._folder.name))
        return Path(self._folder.name)

    def require(self, package: Package) -> None:
        """RootfsError unless the programs include `package`, of the same upstream version."""
        _ = self.top
        found = self._packages.get(package.name)
        if found is None or _upstream(found) != _upstream(package):
            have = found.version if found else "missing"
            raise RootfsError(
                f"{package.name} {package.version}",
                f"needs its own program to be computed, and that is {have} in rootfs_tools",
                relock(
                    "Add the package to the set rootfs_tools of catalog/suites.yaml, or lock that "
                    "set again: ./bazelw run //tools:lock -- --build"
                ),
            )

    def run(self, program: str, *arguments: str, stdin: bytes = b"") -> bytes:
        """Runs a program of the packages, given by its path; returns its standard output.

        Its environment is empty but for what makes it deterministic. RootfsError if it fails.
        """
        top = self.top
        command = [
            str(top / _LOADER),
            "--library-path",
            ":".join(str(top / path) for path in _LIBRARIES),
            str(top / program),
            *arguments,
        ]
        environment = {
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "XDG_DATA_DIRS": str(top / "usr/share"),
        }
        done = subprocess.run(command, input=stdin, capture_output=True, env=environment)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise RootfsError(
                f"/{program}",
                f"failed with status {done.returncode}: {said}",
                "Run it by hand on the packages of the set rootfs_tools.",
            )
        return done.stdout


def _upstream(package: Package) -> str:
    """The version without Debian's revision, which architectures don't always share.

    Security updates are for fewer of them, and rebuilds for one; neither changes a format.
    """
    return package.version.rpartition("-")[0] or package.version


def _unpack(packages: Sequence[Package], top: Path) -> None:
    unpack_all(packages)
    tree = Tree(2**32, _MERGED)
    for package in packages:
        for file in package.files:
            tree.add(file.path, file.entry)
    for name, target in _MERGED.items():
        tree.symlink(name, target, source="merged /usr")
    tree.finish()
    for path, entry in sorted(tree.entries.items()):
        to = top / path
        if entry.kind == "dir":
            to.mkdir()
        elif entry.kind == "file":
            to.write_bytes(entry.content)
            to.chmod(0o755 if entry.mode & 0o111 else 0o644)
        elif entry.kind == "symlink":
            # Absolute links would lead to files of the machine.
            absolute = entry.target.startswith("/")
            up = "../" * path.count("/") if absolute else ""
            to.symlink_to(up + entry.target.lstrip("/") if absolute else entry.target)
    for path, entry in tree.entries.items():
        if entry.kind == "hardlink":
            (top / path).hardlink_to(top / entry.target)
