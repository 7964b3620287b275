"""Files of a foreign root file system, which no link can make us leave: openat2(2).

Links are followed as in a chroot; the kernel's magic ones, such as /proc/self/fd/1, never. All
functions take the root as a descriptor of its directory.
"""

import ctypes
import errno
import os
import posixpath
import stat

from tools.sandbox import linux

_SYS_OPENAT2 = 437
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH, _IN_ROOT = 1, 2, 4, 8, 16
_DIRECTORY = os.O_PATH | os.O_DIRECTORY


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def _openat2(folder: int, path: str, flags: int, mode: int, resolve: int) -> int:
    if "\0" in path:
        raise OSError(errno.EINVAL, "a path can't have a NUL")
    how = _How(flags | os.O_CLOEXEC, mode, resolve)
    return linux.syscall(
        path,
        _SYS_OPENAT2,
        ctypes.c_int(folder),
        os.fsencode(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )


def _open(root: int, path: str, flags: int, mode: int = 0, more: int = 0) -> int:
    return _openat2(root, path, flags, mode, _IN_ROOT | _NO_MAGICLINKS | more)


def open_own_directory(parent: int, name: str, flags: int = os.O_PATH) -> int:
    """The directory `name` in the directory `parent`: itself, neither a link nor a mount."""
    flags |= os.O_DIRECTORY | os.O_NOFOLLOW
    return _openat2(parent, name, flags, 0, _BENEATH | _NO_SYMLINKS | _NO_XDEV)


def make_directory(root: int, path: str) -> int:
    """A descriptor of the directory `path`, which is made, and those above it, if need be."""
    path = posixpath.normpath("/" + path)
    try:
        return _open(root, path, _DIRECTORY)
    except FileNotFoundError:
        pass
    current, done = _open(root, "/", _DIRECTORY), ""
    for name in path.strip("/").split("/"):
        done = f"{done}/{name}"
        try:
            try:
                below = _open(root, done, _DIRECTORY)
            except FileNotFoundError:
                os.mkdir(name, 0o755, dir_fd=current)
                below = _open(root, done, _DIRECTORY)
        finally:
            os.close(current)
        current = below
    return current


def write_file(root: int, path: str, content: bytes) -> None:
    """Make or replace the regular file `path`, on the root's own file system."""
    os.close(make_directory(root, posixpath.dirname(path)))
    # Not to wait for the other end of a pipe that may lie there.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = _open(root, path, flags, 0o644, _NO_XDEV)
    with os.fdopen(descriptor, "wb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        file.truncate()
        file.write(content)


def make_mount_point(root: int, path: str, *, directory: bool) -> int:
    """A descriptor of the directory or file `path`, empty if it had to be made."""
    if directory:
        return make_directory(root, path)
    os.close(make_directory(root, posixpath.dirname(path)))
    try:
        return _open(root, path, os.O_PATH)
    except FileNotFoundError:
        os.close(_open(root, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        return _open(root, path, os.O_PATH)
