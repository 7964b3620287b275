"""Services: links that enable systemd units and System V init scripts."""

from __future__ import annotations

import re

from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_UNITS = "usr/lib/systemd"
_ENABLED = "etc/systemd"
_STATE = {
    "system": "var/lib/systemd/deb-systemd-helper-enabled",
    "user": "var/lib/systemd/deb-systemd-user-helper-enabled",
}
# [Install] keys deb-systemd-helper makes links for, with the directory's suffix.
_WANTS = {"WantedBy": "wants", "RequiredBy": "requires"}
_OTHER_KEYS = re.compile(r"^(Alias|Also|DefaultInstance)=", re.MULTILINE)


def enable_unit(system: System, unit: str, script: ReviewedScript, *, kind: str = "system") -> None:
    """``deb-systemd-helper enable``: links for the unit's [Install] section, and its records.

    `kind` is ``system``, or ``user`` for a unit of users' own service managers.
    """
    tree = system.tree
    units, enabled, state = f"{_UNITS}/{kind}", f"{_ENABLED}/{kind}", _STATE[kind]
    text = tree.read_text(f"{units}/{unit}")
    if _OTHER_KEYS.search(text):
        raise RootfsError(
            f"/{units}/{unit}",
            "has an [Install] key other than WantedBy and RequiredBy",
            "Teach tools/rootfs/debian/effects/services.py what to do with it.",
        )
    source = script.script.package
    # deb-systemd-helper looks below /lib first, which merged /usr always has.
    target = f"/lib/systemd/{kind}/{unit}"
    links: list[str] = []
    for key, suffix in _WANTS.items():
        for names in re.findall(rf"^{key}=(.*)$", text, re.MULTILINE):
            for name in names.split():
                link = f"{name}.{suffix}/{unit}"
                tree.symlink(f"{enabled}/{link}", target, source=source)
                tree.put(f"{state}/{link}", b"", source=source)
                links.append(f"/{enabled}/{link}\n")
    tree.put(f"{state}/{unit}.dsh-also", "".join(links), source=source)


def register_init_script(system: System, name: str, script: ReviewedScript) -> None:
    """``update-rc.d NAME defaults`` without insserv: links by the script's LSB header."""
    text = system.tree.read_text(f"etc/init.d/{name}")
    for key, letter in (("Default-Start", "S"), ("Default-Stop", "K")):
        match = re.search(rf"^#\s*{key}:(.*)$", text, re.MULTILINE)
        for level in match[1].split() if match else ():
            link = f"etc/rc{level}.d/{letter}01{name}"
            system.tree.symlink(link, f"../init.d/{name}", source=script.script.package)
