"""Users and groups: base-passwd, the shadow suite's conversion, login's files."""

from __future__ import annotations

import re

from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.shell import heredocs_in
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_DAY = 24 * 60 * 60


def group_id(system: System, name: str) -> int:
    """The number of a group of /etc/group."""
    for line in system.tree.read_text("etc/group").splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2])
    raise RootfsError(f"group {name}", "is not in /etc/group", "Review the script that names it.")


def base_passwd(system: System, script: ReviewedScript) -> None:
    """/etc/passwd and /etc/group with the texts in base-passwd's preinst."""
    texts = heredocs_in(script.script.text)
    for path in ("/etc/passwd", "/etc/group"):
        system.tree.put(path, texts[path], source="base-passwd")


def shadow_passwords(system: System, script: ReviewedScript) -> None:
    """``shadowconfig on``: moves passwords to /etc/shadow and /etc/gshadow.

    The old files stay as backups with a ``-`` at the end. The date of the last change of each
    password is the epoch.
    """
    del script
    tree = system.tree
    shadow_gid = group_id(system, "shadow")
    users = tree.read_text("etc/passwd")
    groups = tree.read_text("etc/group")
    tree.put("etc/passwd-", users, source="passwd", mode=0o600)
    tree.put("etc/group-", groups, source="passwd")
    tree.put("etc/passwd", _shadowed(users), source="passwd")
    tree.put("etc/group", _shadowed(groups), source="passwd")
    age = ":".join(
        _login_defs(system, key) for key in ("PASS_MIN_DAYS", "PASS_MAX_DAYS", "PASS_WARN_AGE")
    )
    day = system.epoch // _DAY
    shadow = [f"{name}:{password}:{day}:{age}:::\n" for name, password in _passwords(users)]
    gshadow = [f"{name}:{password}::\n" for name, password in _passwords(groups)]
    tree.put("etc/shadow", "".join(shadow), source="passwd", mode=0o640, gid=shadow_gid)
    tree.put("etc/gshadow", "".join(gshadow), source="passwd", mode=0o640, gid=shadow_gid)
    tree.put("etc/.pwd.lock", b"", source="passwd", mode=0o600)


def subordinate_ids(system: System, script: ReviewedScript) -> None:
    """Empty /etc/subuid and /etc/subgid."""
    for path in ("etc/subuid", "etc/subgid"):
        system.tree.put(path, b"", source=script.script.package)


def faillog(system: System, script: ReviewedScript) -> None:
    """An empty /var/log/faillog."""
    system.tree.put("var/log/faillog", b"", source=script.script.package)


def apt_user(system: System, script: ReviewedScript) -> None:
    """apt's own user: base-passwd has it, so that apt adds none."""
    del script
    if not re.search(r"^_apt:", system.tree.read_text("etc/passwd"), re.MULTILINE):
        raise RootfsError(
            "user _apt", "is not in /etc/passwd", "Give apt an effect that adds its user."
        )


def add_system_group(system: System, name: str, *, source: str) -> None:
    """``addgroup --system``: the first free number from 100 on, and backups of the files before."""
    tree = system.tree
    groups, shadow = tree.read_text("etc/group"), tree.read_text("etc/gshadow")
    taken = {int(line.split(":")[2]) for line in groups.splitlines()}
    gid = next(number for number in range(100, 1000) if number not in taken)
    shadow_gid = group_id(system, "shadow")
    tree.put("etc/group-", groups, source=source)
    tree.put("etc/gshadow-", shadow, source=source, mode=0o640, gid=shadow_gid)
    tree.put("etc/group", f"{groups}{name}:x:{gid}:\n", source=source)
    gshadow = f"{shadow}{name}:!::\n"
    tree.put("etc/gshadow", gshadow, source=source, mode=0o640, gid=shadow_gid)


def _shadowed(text: str) -> str:
    return re.sub(r"^([^:]+):[^:]*:", r"\1:x:", text, flags=re.MULTILINE)


def _passwords(text: str) -> list[tuple[str, str]]:
    lines = [line.split(":") for line in text.splitlines()]
    return [(fields[0], fields[1]) for fields in lines]


def _login_defs(system: System, key: str) -> str:
    match = re.search(rf"^{key}\s+(\d+)$", system.tree.read_text("etc/login.defs"), re.MULTILINE)
    if match is None:
        raise RootfsError("/etc/login.defs", f"has no {key}", "Review the shadow effects.")
    return match[1]
