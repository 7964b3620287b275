"""Programs from Debian's newest suite, for tests: unpacked below a folder, nothing installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tools.bootstrap import apt_sources, packages
from tools.bootstrap.apt_root import AptRoot
from tools.bootstrap.common import BootstrapError


def unpacked(package: str, folder: Path) -> Path:
    """Return the folder with the files of a package that needs nothing but the C library.

    Raises:
        BootstrapError: there is no apt here, or its mirror is out of reach or lacks the package.
    """
    if not shutil.which("apt-get"):
        raise BootstrapError(f"{package}: apt-get is needed to fetch it")
    apt = AptRoot(str(folder / "apt"), packages.SUITE, packages.ARCHITECTURE)
    apt.prepare(("libc6",))
    given = os.environ.get("DEBIAN_MIRROR", "")
    apt.update(apt_sources.mirrors(apt_sources.host_sources(), given))
    apt.download([package], apt.resolve([package]))
    for archive in Path(apt.archives).glob(f"{package}_*.deb"):
        subprocess.run(["dpkg-deb", "--extract", archive, folder / package], check=True)
    return folder / package
