"""The shells: /etc/shells as update-shells writes it, and dash as /bin/sh."""

from __future__ import annotations

from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.system import Diversion, System

_SHELLS = "usr/share/debianutils/shells"


def update_shells(system: System, script: ReviewedScript) -> None:
    """debianutils: /etc/shells from the packages' lists, each shell also under its real path."""
    del script
    tree = system.tree
    template = tree.read_text(_SHELLS)
    shells: list[str] = []
    lists = [_SHELLS, *(f"{_SHELLS}.d/{name}" for name in tree.children(f"{_SHELLS}.d"))]
    for path in lists:
        for line in tree.read_text(path).splitlines():
            shell = line.partition("#")[0]
            if not shell:
                continue
            directory, _, name = shell.rpartition("/")
            real = f"/{tree.resolve(directory)}/{name}"
            for known in (shell, real):
                if known not in shells:
                    shells.append(known)
    comments = [line for line in template.splitlines() if line.startswith("#")]
    lines = comments + shells
    tree.put("etc/shells", "".join(f"{line}\n" for line in lines), source="debianutils")
    state = "".join(f"{shell}\n" for shell in shells)
    tree.put("var/lib/shells.state", state, source="debianutils")


def claim_sh(system: System, script: ReviewedScript) -> None:
    """dash of bookworm: diverts /bin/sh and its manual page from whoever else brings them.

    The package ships both itself, so that only the record of the diversion is new.
    """
    del script
    for path, to in (
        ("/usr/share/man/man1/sh.1.gz", "/usr/share/man/man1/sh.distrib.1.gz"),
        ("/bin/sh", "/bin/sh.distrib"),
    ):
        system.diversions.append(Diversion(path, to, "dash"))
