"""The shared libraries programs bring themselves, such as libpython, in the loader's cache.

An installation ends with ldconfig, so that programs which embed or copy what was installed find its
libraries. Here they are in a layer further up; the cache that lists them is in this one.
"""

from __future__ import annotations

import posixpath
import tarfile
from pathlib import Path

from tools.rootfs.debian.effects.ldconfig import directories, ldconfig
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_SOURCE = "the programs"


def list_libraries(system: System, programs: Path) -> None:
    """Lists the libraries of a tar archive in /etc/ld.so.cache; adds nothing else to the system.

    Those count that lie in a directory the loader searches.
    """
    tree = system.tree
    before = set(tree.entries)
    searched = {directory.strip("/") for directory in directories(system)}
    try:
        with tarfile.open(programs, "r:") as tar:
            for info in tar:
                path = posixpath.normpath(info.name)
                folder, _, name = path.rpartition("/")
                if folder not in searched or ".so" not in name or path in tree:
                    continue
                if info.issym():
                    tree.symlink(path, info.linkname, source=_SOURCE)
                elif info.isreg() and (stream := tar.extractfile(info)):
                    tree.put(path, stream.read(), source=_SOURCE)
    except (OSError, tarfile.TarError) as error:
        raise RootfsError(str(programs), f"can't be read: {error}", "Build it again.") from None
    if set(tree.entries) == before:
        return
    ldconfig(system)
    for path in set(tree.entries) - before:
        tree.remove(path)
