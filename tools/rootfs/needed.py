"""The shared libraries that programs need, by the names their loader looks for."""

from __future__ import annotations

import posixpath
import re
import tarfile
from pathlib import Path

from tools.formats.elf import Elf, ElfError, read_elf
from tools.rootfs.arch import Arch
from tools.rootfs.rootfs_error import RootfsError

# Python's Tk binding is left out, as docker-library does: who uses it installs tk.
_IGNORED = re.compile(r"(?:^|/)_tkinter[^/]*\.so$")


def needed_libraries(programs: Path, arch: Arch) -> dict[str, str]:
    """Sonames the ELF files of a tar archive need and don't bring themselves.

    Returns the path of one file that needs it by soname. Raises RootfsError for an archive that
    can't be read or ELF files of another architecture.
    """
    needed: dict[str, str] = {}
    brought: set[str] = set()
    try:
        with tarfile.open(programs, "r:") as tar:
            for info in tar:
                stream = tar.extractfile(info) if info.isreg() else None
                if stream is None or _IGNORED.search(info.name):
                    continue
                elf = elf_of(f"{programs}: {info.name}", stream.read())
                if elf is None:
                    continue
                if (elf.machine, elf.bits) != (arch.machine, arch.bits):
                    raise RootfsError(
                        f"{programs}: {info.name}",
                        f"is not made for {arch.name} (ELF machine {elf.machine})",
                        "Select packages for programs of the same platform.",
                    )
                brought.add(elf.soname or posixpath.basename(info.name))
                for name in elf.needed:
                    needed.setdefault(name, info.name)
    except (OSError, tarfile.TarError) as error:
        raise RootfsError(str(programs), f"can't be read: {error}", "Build it again.") from None
    return {name: user for name, user in sorted(needed.items()) if name not in brought}


def elf_of(where: str, data: bytes | memoryview) -> Elf | None:
    """Read an ELF file; None for any other. A damaged one is a RootfsError that says `where`."""
    try:
        return read_elf(data)
    except ElfError as error:
        raise RootfsError(
            where, f"is a damaged ELF file: {error}", "Build or fetch it again."
        ) from None
