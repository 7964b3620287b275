"""Runs foreign programs: registers qemu-user in a binfmt_misc of this user namespace's own.

Since Linux 6.7 every user namespace may have its own binfmt_misc instance. With flag F the kernel
opens the emulator when it is registered, so that no image has to contain it; with P the program
sees its own argv[0].
"""

import os
from pathlib import Path
from typing import Literal

from tools.sandbox import linux

# e_machine, ELF class, byte order of each OCI platform that has a qemu-user emulator. As in
# catalog/platforms.yaml, by test: if structure tests read that, each of its changes would run all
# of them again.
_ELF = {
    "linux/amd64": (0x3E, 2, 1),
    "linux/386": (0x03, 1, 1),
    "linux/arm": (0x28, 1, 1),
    "linux/arm64": (0xB7, 2, 1),
    "linux/mips64le": (0x08, 2, 1),
    "linux/ppc64le": (0x15, 2, 1),
    "linux/riscv64": (0xF3, 2, 1),
    "linux/s390x": (0x16, 2, 2),
}
# What each machine's kernel runs without help.
_NATIVE = {
    "x86_64": ("linux/amd64", "linux/386"),
    "aarch64": ("linux/arm64",),
}


def _base(platform: str) -> str:
    return "/".join(platform.split("/")[:2])


def is_native(platform: str) -> bool:
    """Whether this machine runs programs of `platform` without an emulator."""
    return _base(platform) in _NATIVE.get(os.uname().machine, ())


def is_known(platform: str) -> bool:
    """Whether we can tell a program of `platform` by its beginning."""
    return _base(platform) in _ELF


def binfmt_rule(platform: str, emulator: Path) -> bytes:
    """The binfmt_misc registration that hands programs of `platform` to `emulator`."""
    machine, elf_class, order = _ELF[_base(platform)]
    endian: Literal["little", "big"] = "little" if order == 1 else "big"
    magic = b"\x7fELF" + bytes([elf_class, order, 1]) + bytes(9)
    magic += (2).to_bytes(2, endian) + machine.to_bytes(2, endian)
    # Any OS ABI; e_type 2 (executable) or 3 (shared object, which is what PIEs are).
    mask = b"\xff" * 7 + b"\x00" + b"\xff" * 8
    mask += (0xFFFE).to_bytes(2, endian) + b"\xff\xff"

    def escape(raw: bytes) -> bytes:
        return b"".join(b"\\x%02x" % byte for byte in raw)

    name = _base(platform).replace("/", "-").encode()
    return b":".join([b"", name, b"M", b"", escape(magic), escape(mask), bytes(emulator), b"FP"])


def empty_program(platform: str) -> bytes:
    """A file that passes for a program of `platform` by its first bytes."""
    machine, elf_class, order = _ELF[_base(platform)]
    endian: Literal["little", "big"] = "little" if order == 1 else "big"
    head = b"\x7fELF" + bytes([elf_class, order, 1]) + bytes(9)
    head += (2).to_bytes(2, endian) + machine.to_bytes(2, endian) + (1).to_bytes(4, endian)
    return head.ljust(128, b"\0")


def enable(platform: str, emulator: Path | None, mount_point: Path) -> str | None:
    """Let this user namespace run programs of `platform`; why it could not, or None.

    `mount_point` is a directory. The host's own binfmt_misc may still do: probe.py tries.
    """
    if is_native(platform):
        return None
    if not is_known(platform):
        return f"no emulator is known for {platform}"
    if emulator is None:
        return f"no emulator was given for {platform}"
    try:
        linux.mount("binfmt_misc", mount_point, "binfmt_misc")
        fd = os.open(mount_point / "register", os.O_WRONLY)
        try:
            os.write(fd, binfmt_rule(platform, emulator))
        finally:
            os.close(fd)
    except OSError as error:
        return f"no binfmt_misc of our own, which takes Linux 6.7 ({error.strerror})"
    return None
