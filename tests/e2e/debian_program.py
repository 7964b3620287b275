"""Programs from Debian's newest suite, for tests: unpacked below a folder, nothing installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.bootstrap import apt_sources, packages
from tools.bootstrap.apt_root import AptRoot
from tools.bootstrap.common import BootstrapError


def fetched(
    wanted: Sequence[str], folder: Path, without: Sequence[str], descriptors: Sequence[int] = ()
) -> list[Path]:
    """Return the archives of packages and of all they need; apt's own files go to `folder`.

    without: packages that apt is to take for installed, with what only they need.
    descriptors: open files that apt inherits, such as a lock.

    Raises:
        BootstrapError: there is no apt here, or its mirror is out of reach or lacks a package.
    """
    if not shutil.which("apt-get"):
        raise BootstrapError(f"{', '.join(wanted)}: apt-get is needed to fetch it")
    apt = AptRoot(str(folder), packages.SUITE, packages.ARCHITECTURE, list(descriptors))
    apt.prepare(tuple(without))
    given = os.environ.get("DEBIAN_MIRROR", "")
    apt.update(apt_sources.mirrors(apt_sources.host_sources(), given))
    archives = apt.resolve(list(wanted))
    return sorted(map(Path, apt.download(list(wanted), archives)))


def unpacked(package: str, folder: Path) -> Path:
    """Return the folder with the files of a package that needs nothing but the C library.

    Raises:
        BootstrapError: there is no apt here, or its mirror is out of reach or lacks the package.
    """
    for archive in fetched([package], folder / "apt", ("libc6",)):
        if archive.name.startswith(f"{package}_"):
            subprocess.run(["dpkg-deb", "--extract", archive, folder / package], check=True)
    return folder / package


def with_libraries(packages: Sequence[str], folder: Path) -> Path:
    """Return the folder with the files of packages and of all they need; see `command`.

    Raises:
        BootstrapError: as `fetched`.
    """
    root = folder / "root"
    for archive in fetched(packages, folder / "apt", ()):
        subprocess.run(["dpkg-deb", "--extract", archive, root], check=True)
    return root


def command(root: Path, program: str) -> list[str]:
    """What runs a program of such a folder with the libraries there, not with the machine's."""
    loader = root / "usr/lib64/ld-linux-x86-64.so.2"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return [str(loader), "--inhibit-cache", "--library-path", str(libraries), str(root / program)]
