"""Removes what a foreign program has left in a folder, without leaving the folder."""

import os
import secrets
import stat

from tools.sandbox import inroot


def empty(folder: int) -> None:
    """Remove all that is in a directory, given by a descriptor.

    Neither links nor mounts are followed; directories that their modes close are opened first. A
    directory in a directory is moved up before it is looked into, so depth costs nothing. OSError
    if something can't be removed.
    """
    mark = secrets.token_hex(8)  # no name below starts like this
    waiting = _names(folder)
    count = 0
    while waiting:
        name, is_directory = waiting.pop()
        if not is_directory:
            os.unlink(name, dir_fd=folder)
            continue
        below = inroot.open_own_directory(folder, name)
        try:
            for inner, inner_is_directory in _names(below):
                if not inner_is_directory:
                    os.unlink(inner, dir_fd=below)
                    continue
                _open_up(below, inner)
                count += 1
                moved = f"{mark}-{count}"
                os.rename(inner, moved, src_dir_fd=below, dst_dir_fd=folder)
                waiting.append((moved, True))
        finally:
            os.close(below)
        os.rmdir(name, dir_fd=folder)


def _names(folder: int) -> list[tuple[str, bool]]:
    """The directory's entries, and whether each is a directory itself."""
    _set_open(folder)
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        with os.scandir(readable) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    finally:
        os.close(readable)


def _open_up(parent: int, name: str) -> None:
    """Let a directory be moved, which changes its `..`."""
    descriptor = inroot.open_own_directory(parent, name)
    try:
        _set_open(descriptor)
    finally:
        os.close(descriptor)


def _set_open(folder: int) -> None:
    mode = stat.S_IMODE(os.fstat(folder).st_mode)
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        # The descriptor is one for paths only, which fchmod refuses.
        os.chmod(f"/proc/self/fd/{folder}", mode | stat.S_IRWXU)  # noqa: PTH101
