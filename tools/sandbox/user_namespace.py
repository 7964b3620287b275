"""The user namespace of all containers: in it there is one id, root's, and which id that is."""

import errno
import os
import re
from pathlib import Path

from tools.sandbox import linux

# "nobody": what root of the machine is in the containers instead of itself.
_UNPRIVILEGED = 65534
_NEEDED = 1 << 0 | 1 << 6 | 1 << 7  # CAP_CHOWN, CAP_SETGID, CAP_SETUID


def _have(identity: int, table: Path) -> bool:
    """Whether this process may become `identity`, by the map of the namespace it is in."""
    rows = (line.split() for line in table.read_text().splitlines())
    return any(int(first) <= identity < int(first) + int(count) for first, _, count in rows)


def _may_map(process: Path) -> bool:
    """Whether a process has the capabilities that mapping another user takes."""
    status = (process / "status").read_text()
    (effective,) = re.findall(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(effective, 16) & _NEEDED == _NEEDED


def owner(process: Path = Path("/proc/self")) -> int:
    """The user id (for root, the group id too) of this machine that is root in the containers.

    That is who runs us, unless it is root: then it is nobody's. In a sandbox whose only id is
    root's, as Bazel's sandbox is when root runs Bazel, there is no other than that; likewise where
    root may not change users. `process` is where /proc has this process.
    """
    uid = os.geteuid()
    tables = (process / "uid_map", process / "gid_map")
    if uid == 0 and all(_have(_UNPRIVILEGED, table) for table in tables) and _may_map(process):
        return _UNPRIVILEGED
    return uid


def enter(identity: int) -> None:
    """A new user namespace for this process, whose root is `identity`, as `owner` gave it.

    If that is another user, the process has all capabilities there, but files are still opened as
    by who started it, until `become_root`.
    """
    uid, gid = os.geteuid(), os.getegid()
    if identity == uid:
        linux.unshare(linux.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        _write_maps("self", uid, gid)
        return
    # Only root of the namespace we leave may map an id that isn't our own.
    target = os.getpid()
    read_end, write_end = os.pipe()
    helper = os.fork()
    if not helper:
        status = 1
        try:
            os.close(write_end)
            if os.read(read_end, 1):
                _write_maps(str(target), identity, identity)
                status = 0
        finally:
            os._exit(status)
    os.close(read_end)
    try:
        linux.unshare(linux.CLONE_NEWUSER)
        os.write(write_end, b".")
    finally:
        os.close(write_end)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if status:
        raise OSError(errno.EPERM, f"user {identity} can't be mapped")


def become_root() -> None:
    """Drops what is left of who started this process: it is the namespace's root, nothing else."""
    if os.geteuid() != 0:
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    # A change of user closes /proc/self to oneself.
    linux.set_dumpable(True)


def _write_maps(process: str, uid: int, gid: int) -> None:
    folder = Path("/proc") / process
    (folder / "uid_map").write_text(f"0 {uid} 1")
    (folder / "gid_map").write_text(f"0 {gid} 1")
