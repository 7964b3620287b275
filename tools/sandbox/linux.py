"""The Linux system calls that the Python library does not have: mounts and namespaces."""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
# Since 2019 a new system call has the same number on every machine.
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_CLOSE_RANGE, _SYS_MOUNT_SETATTR = 428, 429, 436, 442
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH, _MOVE_MOUNT_T_EMPTY_PATH = 0x04, 0x40
_MOUNT_ATTR_RDONLY = 1
_CLOSE_RANGE_CLOEXEC, _LAST_DESCRIPTOR = 4, 0xFFFFFFFF
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, call: str) -> int:
    """The result of a C function. OSError, with errno's number, if it is negative."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
    return result


def syscall(name: str, number: int, *arguments: object) -> int:
    """A system call by its number; `name` is for the error message."""
    return check(libc.syscall(ctypes.c_long(number), *arguments), name)


def unshare(flags: int) -> None:
    """Move this process (of CLONE_NEWPID: its next children) into new namespaces."""
    check(libc.unshare(ctypes.c_int(flags)), f"unshare({flags:#x})")


def mount(source: str, target: Path | str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system; see `man 2 mount`."""
    result = libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        os.fsencode(data) or None,
    )
    check(result, f"mount {kind or source} on {target}")


def unmount(target: Path) -> None:
    """Take a mount, and what is below it, out of sight (umount2 with MNT_DETACH)."""
    check(libc.umount2(os.fsencode(target), ctypes.c_int(_MNT_DETACH)), f"umount {target}")


def make_read_only(target: Path | str) -> None:
    """Make the mount at `target`, and those below it, read-only."""
    attributes = struct.pack("=4Q", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    syscall(
        f"mount_setattr {target}",
        _SYS_MOUNT_SETATTR,
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(_AT_RECURSIVE),
        attributes,
        ctypes.c_size_t(len(attributes)),
    )


def clone_mount(source: str) -> int:
    """A descriptor of a copy, not yet mounted anywhere, of what is mounted at `source`."""
    return syscall(
        f"open_tree {source}",
        _SYS_OPEN_TREE,
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(source),
        ctypes.c_uint(_OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE),
    )


def attach_mount(tree: int, target: int) -> None:
    """Mount what `clone_mount` gave on the file or directory that `target` describes."""
    syscall(
        "move_mount",
        _SYS_MOVE_MOUNT,
        ctypes.c_int(tree),
        b"",
        ctypes.c_int(target),
        b"",
        ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH),
    )


def pivot_root(new_root: Path, put_old: str) -> Path:
    """Make `new_root`, a mount point, the root; the old root's place in it (relative) is made.

    The result is the old root's new path.
    """
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, f"pivot_root: no number known for {os.uname().machine}")
    os.chdir(new_root)
    Path(put_old).mkdir()
    syscall(f"pivot_root {new_root}", number, b".", put_old.encode())
    os.chdir("/")
    return Path("/") / put_old


def sethostname(name: str) -> None:
    """Set the host name of this UTS namespace."""
    raw = name.encode()
    check(libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")


def die_with_parent(signal: int) -> None:
    """Ask the kernel to send `signal` to this process when its parent ends."""
    check(libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def set_dumpable(dumpable: bool) -> None:
    """Whether other processes of this user may look into this one: by ptrace and /proc."""
    check(libc.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def close_all_but(kept: set[int]) -> None:
    """Close every descriptor of this process but these."""
    first = 0
    for number in sorted(kept):
        if number > first:
            _close_range(first, number - 1)
        first = number + 1
    _close_range(first, _LAST_DESCRIPTOR)


def close_at_exec(first: int) -> None:
    """Let no descriptor from `first` on reach the program that this process executes."""
    _close_range(first, _LAST_DESCRIPTOR, _CLOSE_RANGE_CLOEXEC)


def _close_range(first: int, last: int, flags: int = 0) -> None:
    arguments = (ctypes.c_uint(number) for number in (first, last, flags))
    syscall("close_range", _SYS_CLOSE_RANGE, *arguments)


def loopback_up() -> None:
    """Switch on `lo` in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
