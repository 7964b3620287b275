"""Facts about Debian architectures that a root file system depends on."""

from __future__ import annotations

from dataclasses import dataclass

from tools.rootfs.rootfs_error import RootfsError

# ld.so.cache: low byte FLAG_ELF_LIBC6, second byte the ABI (glibc's FLAG_* in ldconfig.h).
_ELF_LIBC6 = 0x0003


@dataclass(frozen=True, slots=True)
class Arch:
    """One Debian architecture.

    Attributes:
        name: Debian's name, such as ``arm64``.
        triplet: multiarch directory, such as ``aarch64-linux-gnu``.
        bits: 32 or 64, the ELF class of its libraries.
        endian: ``little`` or ``big``.
        machine: ELF e_machine.
        cache_flags: flags of an entry of its ld.so.cache.
        lib_links: top-level ``lib*`` aliases of ``/usr/lib*`` besides ``/lib`` (merged /usr).
    """

    name: str
    triplet: str
    bits: int
    endian: str
    machine: int
    cache_flags: int
    lib_links: tuple[str, ...] = ()


# lib_links is what is left after usr-is-merged has removed the links of directories no package
# has; the run-time loader's directory is the only one that stays.
_ARCHES = (
    Arch("amd64", "x86_64-linux-gnu", 64, "little", 62, 0x0300 | _ELF_LIBC6, ("lib64",)),
    Arch("arm64", "aarch64-linux-gnu", 64, "little", 183, 0x0A00 | _ELF_LIBC6),
    Arch("armhf", "arm-linux-gnueabihf", 32, "little", 40, 0x0900 | _ELF_LIBC6),
    Arch("armel", "arm-linux-gnueabi", 32, "little", 40, 0x0B00 | _ELF_LIBC6),
    Arch("i386", "i386-linux-gnu", 32, "little", 3, _ELF_LIBC6),
    Arch("ppc64el", "powerpc64le-linux-gnu", 64, "little", 21, 0x0500 | _ELF_LIBC6, ("lib64",)),
    Arch("s390x", "s390x-linux-gnu", 64, "big", 22, 0x0400 | _ELF_LIBC6),
    Arch("riscv64", "riscv64-linux-gnu", 64, "little", 243, 0x1000 | _ELF_LIBC6),
    Arch("mips64el", "mips64el-linux-gnuabi64", 64, "little", 8, 0x0700 | _ELF_LIBC6, ("lib64",)),
)
ARCHES: dict[str, Arch] = {arch.name: arch for arch in _ARCHES}

# Top-level names that are links into /usr on a merged system, whatever the architecture.
USR_MERGED = ("bin", "lib", "sbin")
# Every library directory any architecture may alias; packages may not ship others at the top.
USR_MERGED_LIB = ("lib32", "lib64", "libo32", "libx32")


def arch_named(name: str) -> Arch:
    """The architecture called `name`; RootfsError when it is unknown."""
    try:
        return ARCHES[name]
    except KeyError:
        known = ", ".join(sorted(ARCHES))
        raise RootfsError(
            f"architecture {name!r}",
            f"is not known (known: {known})",
            "Add its facts to tools/rootfs/arch.py.",
        ) from None
