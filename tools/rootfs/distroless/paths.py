"""Which paths of packages a distroless root has: libraries and data, and nothing for a program."""

from __future__ import annotations

import posixpath
import re

from tools.rootfs.tree import Tree

# What is left out, and why. Anything else that a package ships stays.
_LEFT_OUT = {
    "programs, and what only they read": (
        r"usr/(?:bin|games|libexec|sbin)/.+",
        r"usr/share/(?:base-files|base-passwd|ca-certificates|debconf|initramfs-tools|libc-bin|perl5"
        r"|tabset)(?:/.*)?",
        r"(?:usr/lib/ssl/misc|etc/ssl/private|usr/lib/ssl/private)(?:/.*)?",
        r"etc/(?:apt|ca-certificates|dpkg|ld\.so\.conf\.d/fakeroot.*)(?:/.*|\.conf)?",
    ),
    "start-up files of shells, services and periodic jobs": (
        r"etc/(?:alternatives|cron[^/]*|default|init\.d|logrotate\.d|profile\.d|rc.\.d|skel|systemd"
        r"|update-motd\.d)(?:/.*)?",
        r"etc/(?:bash[^/]*|issue[^/]*|motd|profile)",
        r"root/.+",
    ),
    "documentation and translations, but for copyright files": (
        r"usr/share/(?:bash-completion|bug|dict|doc-base|gcc|gdb|info|lintian|locale|man|menu|misc|zsh)"
        r"(?:/.*)?",
        r"usr/share/doc/[^/]+/(?!copyright$).+",
        r"usr/local/(?:man|share)(?:/.*)?",
    ),
    # 8 MB. Python has its own converters, and so have the wheels that come with libiconv.
    "converters of character sets for iconv": (r"usr/lib/[^/]+/gconv(?:/.*)?",),
    # The bundle is what OpenSSL's default finds; links by hash would need each in a file.
    "certificates one by one": (r"etc/ssl/certs/(?!ca-certificates\.crt$).+",),
    "state of dpkg, apt and ldconfig, whose programs are missing": (
        r"var/lib/(?:apt|pam|shells\.state|systemd)(?:/.*)?",
        r"var/lib/dpkg/(?!status\.d(?:/|$)).+",
        r"var/cache/(?:apt|debconf|ldconfig)(?:/.*)?",
        r"etc/(?:passwd-|group-|subuid|subgid|\.pwd\.lock)",
    ),
    "places to log to, to keep mail in or to install to, some of them set-group-ID": (
        r"var/(?:backups|local|log|mail|opt|spool)/.+",
        r"var/(?:backups|local|mail|opt|spool)",
        r"usr/local/(?:etc|games|include|libexec|sbin|src)(?:/.*)?",
        r"usr/(?:games|include|libexec|src)",
    ),
}
_PATTERN = re.compile("|".join(f"(?:{one})" for some in _LEFT_OUT.values() for one in some))


def kept(path: str) -> bool:
    """Whether a distroless root has `path` (relative to /) of a package."""
    return _PATTERN.fullmatch(path) is None


def leave_out(tree: Tree) -> None:
    """Remove what a distroless root hasn't, and the directories that are empty by that."""
    gone = [path for path in tree if not kept(path)]
    emptied = {posixpath.dirname(path) for path in gone}
    for path in gone:
        del tree.entries[path]
    while emptied:
        parents = {posixpath.dirname(path) for path in tree}
        empty = [
            path
            for path in sorted(emptied)
            if path in tree.entries
            and tree.entries[path].kind == "dir"
            and path not in parents
            # Links of the merged /usr and of the file system's standard lead there.
            and path.count("/") > 1
        ]
        for path in empty:
            del tree.entries[path]
        emptied = {posixpath.dirname(path) for path in empty}
