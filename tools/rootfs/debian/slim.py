"""What the slim variant of Debian's container images leaves out.

Debian's images are slimmed twice: files the first packages brought are deleted once they are
installed (`delete`), and dpkg is configured to skip the same paths from then on (`dpkg_skips`,
`dpkg_config`). The two differ in detail, for instance in which directories stay.
"""

from __future__ import annotations

import fnmatch
import re

from tools.rootfs.tree import Kind, Tree

# The patterns of debuerreotype's slim variant, sorted as it writes them. As for dpkg and find,
# `*` also matches slashes.
EXCLUDES = (
    "/usr/share/doc/*",
    "/usr/share/doc/kde/HTML/*/*",
    "/usr/share/gnome/help/*/*",
    "/usr/share/info/*",
    "/usr/share/linda/*",
    "/usr/share/lintian/overrides/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/share/omf/*/*-*.emf",
)
INCLUDES = (
    "/usr/share/doc/*/copyright",
    "/usr/share/doc/kde/HTML/C/*",
    "/usr/share/gnome/help/*/C/*",
    "/usr/share/locale/all_languages",
    "/usr/share/locale/currency/*",
    "/usr/share/locale/l10n/*",
    "/usr/share/locale/languages",
    "/usr/share/locale/locale.alias",
    "/usr/share/omf/*/*-C.emf",
)
_EXCLUDED = re.compile("|".join(fnmatch.translate(pattern) for pattern in EXCLUDES))
_INCLUDED = re.compile("|".join(fnmatch.translate(pattern) for pattern in INCLUDES))
# Part of a pattern before its first wildcard, without slash at the end: dpkg keeps directories
# and links an included file could be below.
_INCLUDE_PREFIXES = tuple(re.split(r"[*?\[\\]", p)[0].rstrip("/") for p in INCLUDES)

_MAN_SECTION = re.compile(r"usr/share/man/man[0-9]")
# Debuerreotype makes the emptied directories of man pages again under umask 002.
_MAN_SECTION_MODE = 0o775


def dpkg_skips(path: str, kind: Kind) -> bool:
    """Whether dpkg, configured with dpkg_config(), leaves `path` out when unpacking."""
    name = f"/{path}"
    if not _EXCLUDED.match(name) or _INCLUDED.match(name):
        return False
    if kind in ("dir", "symlink"):
        return not name.startswith(_INCLUDE_PREFIXES)
    return True


def delete(tree: Tree) -> None:
    """Delete what the patterns exclude, then links and directories that lead nowhere."""
    sections = [path for path in tree if _MAN_SECTION.fullmatch(path)]
    tops = {
        pattern.removesuffix("/*").lstrip("/") for pattern in EXCLUDES if pattern.count("*") == 1
    }
    for path in [p for p in tree if _EXCLUDED.match(f"/{p}")]:
        kind = tree.entries[path].kind
        if kind not in ("dir", "symlink") and not _INCLUDED.match(f"/{path}"):
            del tree.entries[path]
    while dead := _leading_nowhere(tree, tops):
        for path in dead:
            del tree.entries[path]
    for path in sorted(sections):
        tree.mkdir(path, source="slim variant", mode=_MAN_SECTION_MODE)


def _leading_nowhere(tree: Tree, tops: set[str]) -> list[str]:
    below = [p for p in tree if any(p.startswith(f"{top}/") for top in tops)]
    parents = {path.rpartition("/")[0] for path in tree}
    dead: list[str] = []
    for path in below:
        entry = tree.entries[path]
        if (
            (entry.kind == "dir" and path not in parents)
            or (entry.kind == "symlink" and tree.resolve(path) is None)
            or (entry.kind == "file" and not entry.content)
        ):
            dead.append(path)
    return dead


def dpkg_config() -> str:
    """Text of /etc/dpkg/dpkg.cfg.d/docker: keeps later packages as slim as the first ones."""
    lines = ["# Slim image: dpkg leaves documentation and translations out.", ""]
    lines += [f"path-exclude {pattern}" for pattern in EXCLUDES]
    lines.append("")
    lines += [f"path-include {pattern}" for pattern in INCLUDES]
    return "".join(f"{line}\n" for line in lines)
