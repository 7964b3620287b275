"""The architectures of catalog/platforms.yaml for commands and tests; actions have a spec."""

from __future__ import annotations

from pathlib import Path

from tools.catalog import platforms
from tools.rootfs.arch import Arch, cache_flags
from tools.rootfs.rootfs_error import RootfsError

_CATALOG = Path(__file__).parents[2] / "catalog"


def arches() -> dict[str, Arch]:
    """Debian's architectures by name."""
    found: dict[str, Arch] = {}
    for platform in platforms.read(_CATALOG, Path("catalog")).platforms.values():
        # Two platforms may share an architecture, of which they are two uses: armhf.
        found.setdefault(
            platform.debian,
            Arch(
                name=platform.debian,
                triplet=platform.triplet,
                bits=platform.bits,
                endian=platform.endian,
                machine=platform.machine,
                cache_flags=cache_flags(platform.rootfs.ld_so_cache),
                lib_links=platform.rootfs.links,
            ),
        )
    return found


def arch_named(name: str) -> Arch:
    """Debian's architecture called `name`; RootfsError when it is unknown."""
    known = arches()
    if name not in known:
        raise RootfsError(
            f"architecture {name!r}",
            f"is not known (known: {', '.join(sorted(known))})",
            "Name one of these, or add its platform to catalog/platforms.yaml.",
        )
    return known[name]
