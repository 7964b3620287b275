from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.formats.elf import ElfError, read_elf
from tools.rootfs import program_fixtures as fixtures
from tools.rootfs.arch import Arch
from tools.rootfs.arches import arch_named
from tools.rootfs.rootfs_error import RootfsError


@pytest.mark.parametrize("arch", fixtures.ARCHES.values(), ids=lambda arch: arch.name)
def test_elf_of_every_class_and_byte_order(arch: Arch) -> None:
    found = read_elf(fixtures.elf("libä.so.1", ["libc.so.6", "libm.so.6"], arch=arch))
    assert found is not None
    assert (found.bits, found.endian, found.machine) == (arch.bits, arch.endian, arch.machine)
    assert (found.soname, found.needed) == ("libä.so.1", ("libc.so.6", "libm.so.6"))
    assert found.shared
    assert found.dynamic
    assert found.interpreter is None


def test_other_files_are_no_elf() -> None:
    assert read_elf(b"") is None
    assert read_elf(b"#!/bin/sh\n") is None


@given(st.integers(0, 400), st.binary(max_size=4), st.sampled_from(list(fixtures.ARCHES.values())))
def test_damaged_elf_is_an_error_or_read(at: int, junk: bytes, arch: Arch) -> None:
    data = bytearray(fixtures.elf("liba.so.1", ["libb.so.1"], arch=arch))
    data[at : at + len(junk)] = junk
    with contextlib.suppress(ElfError):
        read_elf(bytes(data))
    with contextlib.suppress(ElfError):
        read_elf(bytes(data[:at]))


def test_unknown_architectures_are_named() -> None:
    with pytest.raises(RootfsError, match=r"vax.*known: amd64, arm64"):
        arch_named("vax")
