"""Names of architectures on published pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """An architecture as pages name it.

    Attributes:
        name: docker-library's name.
        description: what it is, for people.
        others: other usual names, the first being Docker's platform.
        namespace: where images for this architecture alone are published.
    """

    name: str
    description: str
    others: tuple[str, ...]
    namespace: str


def _known(*rows: tuple[str, str, tuple[str, ...]]) -> dict[str, Architecture]:
    return {
        name: Architecture(name, text, others, name.replace("windows-", "win"))
        for name, text, others in rows
    }


KNOWN = _known(
    ("amd64", "64-bit x86 (AMD/Intel)", ("x86_64", "x86")),
    ("arm32v5", "32-bit ARM, soft float", ("arm/v5", "armel")),
    ("arm32v6", "32-bit ARM, hard float", ("arm/v6",)),
    ("arm32v7", "32-bit ARM, version 7", ("arm/v7", "armhf")),
    ("arm64", "64-bit ARM", ("arm64v8", "aarch64")),
    ("arm64v8", "64-bit ARM", ("arm64", "aarch64")),
    ("i386", "32-bit x86", ("386", "x86")),
    ("mips64le", "64-bit MIPS, little endian", ("mips64el",)),
    ("ppc64le", "64-bit POWER, little endian", ("ppc64el",)),
    ("riscv64", "64-bit RISC-V", ()),
    ("s390x", "IBM Z", ()),
    ("windows-amd64", "Windows on 64-bit x86", ("winamd64",)),
)
