"""Tests of emulation.py."""

from pathlib import Path
from typing import Literal

import pytest

from tools.sandbox import emulation


def unescape(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode())


def matches(rule: bytes, header: bytes) -> bool:
    """What the kernel does with a rule: compare the bytes that the mask selects."""
    _, _, kind, offset, magic, mask, _, flags = rule.split(b":")
    assert (kind, offset, flags) == (b"M", b"", b"FP")
    pairs = zip(unescape(magic), unescape(mask), header, strict=True)
    return all(m & k == h & k for m, k, h in pairs)


def elf(elf_class: int, order: int, kind: int, machine: int, abi: int = 0) -> bytes:
    endian: Literal["little", "big"] = "little" if order == 1 else "big"
    head = b"\x7fELF" + bytes([elf_class, order, 1, abi]) + bytes(8)
    return head + kind.to_bytes(2, endian) + machine.to_bytes(2, endian)


@pytest.mark.parametrize(
    ("platform", "elf_class", "order", "machine"),
    [
        ("linux/arm64/v8", 2, 1, 183),
        ("linux/arm/v7", 1, 1, 40),
        ("linux/s390x", 2, 2, 22),
        ("linux/ppc64le", 2, 1, 21),
        ("linux/riscv64", 2, 1, 243),
    ],
)
def test_a_rule_matches_its_platform_alone(
    platform: str, elf_class: int, order: int, machine: int
) -> None:
    rule = emulation.binfmt_rule(platform, Path("/q/emulator"))
    for kind in (2, 3):  # executables and position-independent ones
        assert matches(rule, elf(elf_class, order, kind, machine))
        assert matches(rule, elf(elf_class, order, kind, machine, abi=3))
    assert not matches(rule, elf(elf_class, order, 1, machine))  # an object file
    assert not matches(rule, elf(2, 1, 2, 62))  # x86-64


def test_rules_fit_the_kernel_s_limit() -> None:
    for platform in emulation._ELF:
        assert len(emulation.binfmt_rule(platform, Path("/" + "x" * 1000))) < 1920


def test_unknown_platform_is_a_reason(tmp_path: Path) -> None:
    assert "no emulator is known" in str(emulation.enable("linux/vax", None, tmp_path / "b"))
