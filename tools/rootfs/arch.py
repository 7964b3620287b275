"""What a root file system depends on of an architecture: facts of catalog/platforms.yaml."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.rootfs.rootfs_error import RootfsError

# ld.so.cache: low byte FLAG_ELF_LIBC6, second byte the ABI (glibc's FLAG_* in ldconfig.h).
_ELF_LIBC6 = 0x0003


def cache_flags(abi: int) -> int:
    """The flags of an entry of ld.so.cache of which `abi` is the second byte."""
    return abi << 8 | _ELF_LIBC6


@dataclass(frozen=True, slots=True)
class Arch:
    """One architecture of a distribution's.

    Attributes:
        name: the distribution's name, such as ``arm64``.
        triplet: multiarch directory, such as ``aarch64-linux-gnu``.
        bits: 32 or 64, the ELF class of its libraries.
        endian: ``little`` or ``big``.
        machine: ELF e_machine.
        cache_flags: flags of an entry of its ld.so.cache.
        lib_links: top-level ``lib*`` aliases of ``/usr/lib*`` besides ``/lib`` (merged /usr): what
            is left after usr-is-merged has removed the links of directories no package has.
    """

    name: str
    triplet: str
    bits: int
    endian: str
    machine: int
    cache_flags: int
    lib_links: tuple[str, ...] = ()


# Top-level names that are links into /usr on a merged system, whatever the architecture.
USR_MERGED = ("bin", "lib", "sbin")
# Every library directory any architecture may alias; packages may not ship others at the top.
USR_MERGED_LIB = ("lib32", "lib64", "libo32", "libx32")


def read_arch(path: Path, value: Any) -> Arch:
    """The architecture that a spec describes, as python_images/private/roots/arch.bzl writes it.

    Raises:
        RootfsError: `value` is no object with exactly the keys of Arch.
    """
    wanted = {field.name for field in dataclasses.fields(Arch)} - {"cache_flags"}
    if not isinstance(value, dict) or set(value) != wanted | {"ld_so_cache"}:
        raise RootfsError(
            str(path),
            f"has an arch that isn't {', '.join(sorted(wanted))} and ld_so_cache: {value!r}",
            "tools/rootfs/arch.py describes it.",
        )
    facts = dict(value)
    flags = cache_flags(int(facts.pop("ld_so_cache")))
    return Arch(**facts | {"lib_links": tuple(facts["lib_links"])}, cache_flags=flags)
