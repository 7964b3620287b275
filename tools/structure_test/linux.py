"""The Linux system calls that the Python library does not have: mounts and namespaces."""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
_ATIME_FLAGS = 1024 | 2048  # MS_NOATIME, MS_NODIRATIME; the same in statvfs
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Moves this process into new namespaces."""
    _check(_libc.unshare(ctypes.c_int(flags)), f"unshare({flags:#x})")


def mount(source: str, target: Path | str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        os.fsencode(data) or None,
    )
    _check(result, f"mount {kind or source} on {target}")


def unmount(target: Path) -> None:
    """Takes a mount, and what is below it, out of sight (umount2 with MNT_DETACH)."""
    result = _libc.umount2(os.fsencode(target), ctypes.c_int(_MNT_DETACH))
    _check(result, f"umount {target}")


def remount_read_only(target: Path) -> None:
    """Makes a bind mount read-only, with the flags kept that may not be taken off."""
    flags = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC | _ATIME_FLAGS)
    mount("none", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | flags)


def pivot_root(new_root: Path, put_old: str) -> Path:
    """Makes `new_root`, a mount point, the root; the old root's place in it (relative) is made.

    The result is the old root's new path.
    """
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, f"pivot_root: no number known for {os.uname().machine}")
    os.chdir(new_root)
    Path(put_old).mkdir()
    _check(_libc.syscall(ctypes.c_long(number), b".", put_old.encode()), f"pivot_root {new_root}")
    os.chdir("/")
    return Path("/") / put_old


def sethostname(name: str) -> None:
    """sethostname(2)."""
    raw = name.encode()
    _check(_libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")


def die_with_parent(signal: int) -> None:
    """Asks the kernel to send `signal` to this process when its parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def become_root_of_user_namespace() -> None:
    """A new user namespace in which the current user is root, the only id there is."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER | CLONE_NEWNS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def loopback_up() -> None:
    """Switches on `lo` in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
