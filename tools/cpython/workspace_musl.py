"""The work directory of a build for musl: one clang and lld for every target.

As workspace.py has it, but gcc, cpp and the binutils on PATH are clang and LLVM's; and beside the
others there is

    <root>/libgcc   crtbegin.o, libgcc.a ... of gcc for the target, which clang links with
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from toolchains.trees.unpack import extract
from tools.cpython.workspace import BuildError, Toolchain, Workspace

# Busybox has applets of these names too, but the compiler's programs are the ones to use.
_NOT_FROM_BUSYBOX = {"ar", "strings"}
_LLVM = "cc/usr/lib/llvm-{version}"


@dataclass(frozen=True)
class MuslToolchain(Toolchain):
    """What compiles for one platform with musl.

    Attributes:
        cc: tar of clang, lld and LLVM's binutils.
        gcc: their major version, such as "19".
        gnu: GNU triplet for configure, such as "aarch64-linux-musl".
        triplet: CPython's name of the platform; most often the same.
        libgcc: tar of gcc's objects and library for the target.
        target: clang's name of the target, such as "armv7-linux-musleabihf".
        flags: what else decides on the target's code.
    """

    libgcc: Path
    target: str
    flags: tuple[str, ...]


class MuslWorkspace(Workspace):
    """A work directory with its tools in place; use as a context manager, which removes it."""

    toolchain: MuslToolchain

    def __init__(self, root: Path, toolchain: MuslToolchain, epoch: int) -> None:
        """Unpack the toolchain, as Workspace does."""
        self._libgcc = toolchain.libgcc
        super().__init__(root, toolchain, epoch)

    def __enter__(self) -> Self:
        """The workspace itself."""
        return self

    def _name_tools(self) -> None:
        extract(self._libgcc, self.root / "libgcc")
        llvm = _LLVM.format(version=self.toolchain.gcc)
        # What a program of several names does is decided by options: its launcher has one name.
        self._launch("ld.lld", f"{llvm}/bin/lld", ["-flavor", "gnu"])
        self._launch("ld", f"{llvm}/bin/lld", ["-flavor", "gnu"])
        self._launch("ar", f"{llvm}/bin/llvm-ar")
        self._launch("ranlib", f"{llvm}/bin/llvm-ar", ["s"])
        self._launch("nm", f"{llvm}/bin/llvm-nm")
        self._launch("objcopy", f"{llvm}/bin/llvm-objcopy")
        self._launch("strip", f"{llvm}/bin/llvm-objcopy", ["--strip-all"])
        self._launch("objdump", f"{llvm}/bin/llvm-objdump")
        self._launch("readelf", f"{llvm}/bin/llvm-readobj", ["--elf-output-style=GNU"])
        clang = f"{llvm}/bin/clang"
        flags = self._clang_flags(llvm)
        # configure and extension modules of users know the compiler as gcc, Alpine's own.
        self._launch("gcc", clang, flags)
        self._launch("cpp", clang, [*flags, "-E"])
        self._launch("make", "host/usr/bin/make")
        self._launch("pkg-config", "host/usr/bin/pkgconf")
        busybox = self.root / "host/usr/bin/busybox"
        listing = subprocess.run(
            [busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True, env={}
        )
        for applet in sorted(set(listing.stdout.split()) - _NOT_FROM_BUSYBOX):
            if not (self.bin / applet).exists():
                (self.bin / applet).symlink_to(os.path.relpath(busybox, self.bin))

    def _clang_flags(self, llvm: str) -> list[str]:
        version = self.toolchain.gcc
        return [
            f"--target={self.toolchain.target}",
            *self.toolchain.flags,
            f"--sysroot={self.root}/sysroot",
            # Started by the archive's own loader, it can't find out by itself where it lies.
            "-no-canonical-prefixes",
            f"-resource-dir={self.root}/{llvm}/lib/clang/{version}",
            f"--gcc-install-dir={self._gcc_dir()}",
            "--rtlib=libgcc",
            "--unwindlib=libgcc",
            "-static-libgcc",
            f"--ld-path={self.bin}/ld.lld",
            # Options for the linker are given to the compiler too, and the other way round.
            "-Wno-unused-command-line-argument",
            f"-ffile-prefix-map={self.src}=.",
            f"-ffile-prefix-map={self.root}/sysroot=",
            f"-ffile-prefix-map={self.root}/cc=",
        ]

    def _gcc_dir(self) -> Path:
        found = sorted((self.root / "libgcc").rglob("crtbeginS.o"))
        if len(found) != 1:
            raise BuildError(f"the archive of libgcc has {len(found)} crtbeginS.o, not one")
        return found[0].parent

    def environment(self) -> dict[str, str]:
        """The whole environment of every step."""
        usr = f"{self.root}/sysroot/usr"
        # Alpine has no directories by architecture.
        return super().environment() | {
            "PKG_CONFIG_LIBDIR": f"{usr}/lib/pkgconfig:{usr}/share/pkgconfig",
            "PKG_CONFIG_SYSTEM_LIBRARY_PATH": f"{usr}/lib:{self.root}/sysroot/lib",
            "PKG_CONFIG_SYSTEM_INCLUDE_PATH": f"{usr}/include",
        }
