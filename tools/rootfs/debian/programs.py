"""Programs of Debian packages that compute what a root file system contains.

Byte code of Python and a few databases are made by programs whose output is the program's own
business. They come from locked packages for the build machine, never from the tree that is
computed, so that a tree of any architecture can be made.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tools.formats.debian.closure import closure
from tools.rootfs.command import relock
from tools.rootfs.debian.package import Package, load_packages, unpack_all
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Tree

_ARCH = "amd64"
TRIPLET = "x86_64-linux-gnu"
_LOADER = "lib64/ld-linux-x86-64.so.2"
_LIBRARIES = (f"usr/lib/{TRIPLET}", f"lib/{TRIPLET}")
# What is unpacked: programs, libraries, and modules of Python.
_KEPT = ("usr/bin/", "usr/lib/", "usr/lib64/")
_DROPPED = "/gconv/"
_MERGED = {name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}


class Programs:
    """Packages whose programs can be run; unpacked to a temporary folder at first use."""

    def __init__(self, debs: Sequence[Path]) -> None:
        self._debs = debs
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._unpacked: set[str] = set()

    @cached_property
    def _packages(self) -> dict[str, Package]:
        packages = load_packages([(path, False) for path in self._debs], _ARCH)
        return {package.name: package for package in packages}

    @property
    def top(self) -> Path:
        """Where packages are unpacked."""
        if self._folder is None:
            # Removed when this object is.
            self._folder = tempfile.TemporaryDirectory(prefix="rootfs-programs.")
            for name, target in _MERGED.items():
                (Path(self._folder.name) / target).mkdir(parents=True)
                (Path(self._folder.name) / name).symlink_to(target)
        return Path(self._folder.name)

    def require(self, package: Package) -> None:
        """Unpack the package of that name, and what it depends on.

        RootfsError unless there is one, of the same upstream version.
        """
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
        controls = {name: other.control for name, other in self._packages.items()}
        self._unpack(closure([found.name], controls))

    def unpack_all(self) -> None:
        """Unpack all packages."""
        self._unpack(set(self._packages))

    def _unpack(self, names: set[str]) -> None:
        new = [self._packages[name] for name in sorted(names - self._unpacked)]
        self._unpacked |= names
        unpack_all(new)
        _write(new, self.top)

    def run(self, program: str, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a program of the packages, given by its path; return its standard output.

        Its environment is empty but for what makes it deterministic. RootfsError if it fails.
        """
        if not self._unpacked:
            self.unpack_all()
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
            # update-mime-database: what it writes is read and removed.
            "PKGSYSTEM_ENABLE_FSYNC": "0",
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


def _write(packages: Sequence[Package], top: Path) -> None:
    """Write what programs load; documentation and data of packages aren't needed to run them."""
    tree = Tree(2**32, _MERGED)
    for package in packages:
        for file in package.files:
            path = tree.normalise(file.path)
            if file.entry.kind == "dir" or (path.startswith(_KEPT) and _DROPPED not in path):
                tree.add(file.path, file.entry)
    for path, entry in sorted(tree.entries.items()):
        to = top / path
        if entry.kind == "dir" or not path.startswith(_KEPT):
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "file":
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
