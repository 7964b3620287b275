"""base-files: the directories, defaults and log files its postinst makes on a new system."""

from __future__ import annotations

import re

from tools.rootfs.debian.effects.users import group_id
from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.system import System

_SOURCE = "base-files"
_CALL = re.compile(
    r"^\s+(install_from_default|install_directory|migrate_directory|install_local_dir"
    r"|ensure_file_owner_mode)\s+([^$\n]+)$",
    re.MULTILINE,
)


def base_files(system: System, script: ReviewedScript) -> None:
    """Carry out the calls of the postinst's own helper functions, and its three links."""
    tree = system.tree
    tree.symlink("etc/dpkg/origins/default", "debian", source=_SOURCE)
    for match in _CALL.finditer(script.script.text):
        call, args = match[1], match[2].split()
        path = args[0].lstrip("/")
        match call:
            case "install_from_default":
                to = args[1].lstrip("/")
                mode = 0o644 if to == "usr/share/info/dir" else None
                tree.copy(f"usr/share/base-files/{path}", to, source=_SOURCE, mode=mode)
            case "install_directory":
                gid = group_id(system, args[2])
                tree.mkdir(path, source=_SOURCE, mode=int(args[1], 8), gid=gid)
            case "migrate_directory":
                tree.remove(path)  # the package ships it as an empty directory
                tree.symlink(path, args[1], source=_SOURCE)
            case "install_local_dir":
                tree.mkdir(path, source=_SOURCE)
            case "ensure_file_owner_mode":
                gid = group_id(system, args[1].removeprefix("root:"))
                tree.put(path, b"", source=_SOURCE, mode=int(args[2], 8), gid=gid)
    tree.symlink("var/spool/mail", "../mail", source=_SOURCE)
    tree.symlink("usr/local/man", "share/man", source=_SOURCE)


def library_links(system: System, script: ReviewedScript) -> None:
    """Links /lib32 and its like to the /usr/lib* directories there are (from trixie on)."""
    del script
    tree = system.tree
    for name in ("lib32", "lib64", "libo32", "libx32"):
        if f"usr/{name}" in tree and name not in tree:
            tree.symlink(name, f"usr/{name}", source=_SOURCE)
