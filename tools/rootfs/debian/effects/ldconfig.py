"""ldconfig: finds the libraries of the system and writes the run-time loader's cache."""

from __future__ import annotations

import fnmatch
import posixpath
import re

from tools.formats.elf import Elf, ElfError, read_elf
from tools.rootfs.debian.ldcache import Library, name_order, write_cache
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_LIBRARY = re.compile(r"(?:lib|ld-).*\.so.*|ld\.so\.1|ld64\.so\.\d")
_INCLUDE = re.compile(r"include\s+(\S+)")
_HWCAPS = "glibc-hwcaps"


def ldconfig(system: System) -> None:
    """Write /etc/ld.so.cache; make missing links of sonames, remove dangling ones."""
    if "libc-bin" not in system.packages:
        return
    tree = system.tree
    listing: dict[str, list[str]] = {}
    for path in tree:
        directory, _, name = path.rpartition("/")
        if name == _HWCAPS:
            raise RootfsError(
                f"/{path}",
                "has libraries for certain processors, which isn't implemented",
                "Teach tools/rootfs/debian/effects/ldconfig.py to write them to the cache.",
            )
        if _LIBRARY.fullmatch(name) and tree.entries[path].kind != "dir":
            listing.setdefault(directory, []).append(name)
    found: list[Library] = []
    seen: set[str] = set()
    known: dict[str, Elf | None] = {}
    for directory in directories(system):
        real = tree.resolve(directory)
        if real is None or real in seen:
            continue
        seen.add(real)
        names = _sonames(system, real, sorted(listing.get(real, ())), known)
        for soname in sorted(names):
            if f"{real}/{soname}" not in tree:
                newest = min(names[soname], key=name_order)
                tree.symlink(f"{real}/{soname}", newest, source="ldconfig")
            found.append(Library(soname, f"{directory}/{soname}", system.arch.cache_flags))
    version = system.packages["libc-bin"].version
    generator = (
        f"ldconfig (Debian GLIBC {version}) stable release version {version.partition('-')[0]}"
    )
    cache = write_cache(found, endian=system.arch.endian, generator=generator)
    tree.put("etc/ld.so.cache", cache, source="ldconfig")
    tree.mkdir("var/cache/ldconfig", source="ldconfig", mode=0o700)


def directories(system: System) -> list[str]:
    """Directories in the order ldconfig visits them: configuration, then the system's own."""
    triplet = system.arch.triplet
    configured = _configured(system, "etc/ld.so.conf")
    return [*configured, f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib"]


def _configured(system: System, path: str) -> list[str]:
    directories: list[str] = []
    for raw in system.tree.read_text(path).splitlines():
        line = raw.partition("#")[0].strip()
        include = _INCLUDE.fullmatch(line)
        if include:
            pattern = include[1].lstrip("/")
            for match in sorted(p for p in system.tree if fnmatch.fnmatchcase(p, pattern)):
                directories += _configured(system, match)
        elif line:
            directories.append(line)
    return directories


def _sonames(
    system: System, directory: str, names: list[str], known: dict[str, Elf | None]
) -> dict[str, list[str]]:
    """Sonames of a directory's libraries, each with the files that carry it."""
    tree, arch = system.tree, system.arch
    found: dict[str, list[str]] = {}
    for name in names:
        path = posixpath.join(directory, name)
        real = tree.resolve(path)
        if real is None and ".so." in name:
            tree.remove(path)  # a link to a library that is gone, for ldconfig
        if real is None or tree.entries[real].kind != "file":
            continue
        if real not in known:
            try:
                known[real] = read_elf(tree.entries[real].content)
            except ElfError as error:
                raise RootfsError(
                    f"/{real}", f"is a damaged ELF file: {error}", "Fetch its package again."
                ) from None
        elf = known[real]
        if elf is None or not elf.shared or not elf.dynamic:
            continue
        if (elf.machine, elf.bits, elf.endian) != (arch.machine, arch.bits, arch.endian):
            continue
        soname = elf.soname or name
        if tree.entries[path].kind == "symlink" and name.endswith(".so") and name != soname:
            # A link for the link editor (libfoo.so to libfoo.so.1.2) is listed by its own name.
            soname = name if soname.startswith(name) else soname
        found.setdefault(soname, []).append(name)
    return found
