"""User namespaces: which ids containers have, and who of this machine those are.

    machine                  namespace of all containers    a command's own, unless it is root's
    owner              ───►  0                         ───►  its user
    further ids 0 … n  ───►  1 … n + 1                 ───►  all others

Only what grants further ids (/etc/subuid, or being root) gives the second line. Without it one id
exists in a container, its command's, and who owns a file in the image can only be told by what the
command may do with it (rootfs.py).
"""

import contextlib
import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox import linux
from tools.sandbox.users import User

# "nobody": what root of the machine is in the containers of tests instead of itself.
_UNPRIVILEGED = 65534
_NEEDED = 1 << 0 | 1 << 6 | 1 << 7  # CAP_CHOWN, CAP_SETGID, CAP_SETUID
# Further ids where root starts containers: above those that systemd gives to containers (2**19 to
# 0x6fffffff), below 2**31, where some programs end.
_OF_ROOT = 0x70000000
_MOST = 1 << 16
_FEWEST = 1000  # fewer have no room for the users of a distribution

Lines = Sequence[tuple[int, int, int]]  # first id inside, first id outside, how many


@dataclass(frozen=True)
class Further:
    """Ids of this machine that containers may have besides their owner's: first, how many."""

    uids: tuple[int, int]
    gids: tuple[int, int]

    @property
    def count(self) -> int:
        """How many there are, of users and of groups."""
        return min(self.uids[1], self.gids[1])


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
    """The user id (for root, the group id too) of this machine that is root in a test's containers.

    That is who runs us, unless it is root: then it is nobody's. In a sandbox whose only id is
    root's, as Bazel's sandbox is when root runs Bazel, there is no other than that; likewise where
    root may not change users. `process` is where /proc has this process.
    """
    uid = os.geteuid()
    tables = (process / "uid_map", process / "gid_map")
    if uid == 0 and all(_have(_UNPRIVILEGED, table) for table in tables) and _may_map(process):
        return _UNPRIVILEGED
    return uid


def granted(table: str, names: Sequence[str]) -> tuple[int, int] | None:
    """The largest range that /etc/subuid or /etc/subgid, given as text, has for a user."""
    found = []
    for line in table.splitlines():
        row = line.split(":")
        if len(row) == 3 and row[0] in names and row[1].isdecimal() and row[2].isdecimal():
            found.append((min(int(row[2]), _MOST), int(row[1])))
    count, first = max(found, default=(0, 0))
    return (first, count) if count >= _FEWEST else None


def further(identity: int) -> Further | None:
    """Ids that containers of `identity` may have besides, or None. What is granted is tried."""
    if os.geteuid() == 0:
        found = Further((_OF_ROOT, _MOST), (_OF_ROOT, _MOST))
    else:
        names = [str(os.geteuid())]
        with contextlib.suppress(KeyError, ImportError):
            import pwd

            names.append(pwd.getpwuid(os.geteuid()).pw_name)
        ranges = []
        for kind in ("uid", "gid"):
            table = Path("/etc/sub" + kind)
            text = table.read_text(errors="replace") if table.is_file() else ""
            ranges.append(granted(text, names) if shutil.which(f"new{kind}map") else None)
        if ranges[0] is None or ranges[1] is None:
            return None
        found = Further(ranges[0], ranges[1])
    return found if _works(lambda: enter(identity, found)) else None


def _works(action: Callable[[], None]) -> bool:
    """Whether something that can't be undone can be done: in a process of its own."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            action()
            status = 0
        except OSError:
            pass
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def enter(identity: int, more: Further | None = None) -> None:
    """A new user namespace for this process, whose root is `identity`, as `owner` gave it.

    With `more` it has further ids. If `identity` is another user, the process has all capabilities
    there, but files are still opened as by who started it, until `become_root`.
    """
    uid, gid = os.geteuid(), os.getegid()
    if identity == uid and more is None:
        linux.unshare(linux.CLONE_NEWUSER)
        _map_self([(0, uid, 1)], [(0, gid, 1)])
        return
    group = gid if identity == uid else identity
    uids, gids = [(0, identity, 1)], [(0, group, 1)]
    if more:
        uids.append((1, more.uids[0], more.count))
        gids.append((1, more.gids[0], more.count))
    with_programs = uid != 0
    _enter_by_helper(lambda pid: (_map_by_programs if with_programs else _map)(pid, uids, gids))


def _enter_by_helper(write: Callable[[int], None]) -> None:
    """A new user namespace, whose maps a process outside of it writes: it may map any id."""
    target = os.getpid()
    read_end, write_end = os.pipe()
    helper = os.fork()
    if not helper:
        status = 1
        try:
            os.close(write_end)
            if os.read(read_end, 1):
                write(target)
                status = 0
        except OSError:
            pass
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
        raise OSError(errno.EPERM, "users can't be mapped")


def become_root() -> None:
    """Drop what is left of who started this process: it is the namespace's root, nothing else."""
    if os.geteuid() != 0:
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    # A change of user closes /proc/self to oneself.
    linux.set_dumpable(True)


def outside(identity: int, own: int, count: int) -> int | None:
    """What an id of a command is in the namespace of all containers, or None: it has no such id.

    `own` is the id the command runs as, `count` how many further ids there are.
    """
    if identity == own:
        return 0
    shifted = identity if own == 0 else identity + 1
    return shifted if shifted <= count else None


def _lines(own: int, count: int) -> Lines:
    """The map of a command's own namespace, by `outside`; each line lies in one of `enter`'s."""
    if own == 0:
        return [(0, 0, 1), (1, 1, count)] if count else [(0, 0, 1)]
    lines = [(own, 0, 1)]
    below = min(own, count)
    if below:
        lines.append((0, 1, below))
    if own + 1 < count:
        lines.append((own + 1, own + 2, count - own - 1))
    return lines


def become(user: User, count: int) -> None:
    """Make this process, root of the namespace of all containers, the user of a command.

    It is in a namespace of its own then, unless that is root; `count` further ids are there. Where
    there are none, it has no supplementary groups.
    """
    if not user.is_root:
        uids, gids = _lines(user.uid, count), _lines(user.gid, count)
        if count:
            _enter_by_helper(lambda pid: _map(pid, uids, gids))
        else:
            linux.unshare(linux.CLONE_NEWUSER)
            _map_self(uids, gids)
    if count:
        os.setgroups(
            [group for group in user.groups if outside(group, user.gid, count) is not None]
        )


def _text(lines: Lines) -> str:
    return "".join(f"{inside} {out} {count}\n" for inside, out, count in lines)


def _map(process: int, uids: Lines, gids: Lines) -> None:
    (Path("/proc") / str(process) / "uid_map").write_text(_text(uids))
    (Path("/proc") / str(process) / "gid_map").write_text(_text(gids))


def _map_self(uids: Lines, gids: Lines) -> None:
    """One id can be mapped by oneself, if one gives up changing groups."""
    folder = Path("/proc/self")
    (folder / "setgroups").write_text("deny")
    (folder / "uid_map").write_text(_text(uids))
    (folder / "gid_map").write_text(_text(gids))


def _map_by_programs(process: int, uids: Lines, gids: Lines) -> None:
    """By newuidmap and newgidmap, which may map what /etc/subuid and /etc/subgid grant."""
    for program, lines in (("newuidmap", uids), ("newgidmap", gids)):
        words = [str(number) for line in lines for number in line]
        done = subprocess.run(
            [program, str(process), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise OSError(errno.EPERM, program)
