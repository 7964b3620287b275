"""Compressed data: all streams of it, whole, and no more than the limit."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest
import zstandard

from tools.formats.archives.archive_error import ArchiveError
from tools.formats.archives.inflate import gunzip, unpack

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".bz2": bz2.compress,
    ".gz": gzip.compress,
    ".lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
TEXT = b"some text, again and again; " * 1000


@pytest.mark.parametrize("kind", PACKERS)
def test_all_streams_are_unpacked(kind: str) -> None:
    packed = PACKERS[kind](TEXT)
    assert bytes(unpack(memoryview(packed), kind, len(TEXT))) == TEXT
    assert bytes(unpack(memoryview(packed + packed), kind, 2 * len(TEXT))) == TEXT + TEXT


@pytest.mark.parametrize("kind", PACKERS)
def test_the_limit_holds_for_all_streams_together(kind: str) -> None:
    packed = PACKERS[kind](TEXT)
    for data, limit in ((packed, len(TEXT) - 1), (packed + packed, 2 * len(TEXT) - 1)):
        with pytest.raises(ArchiveError, match=f"unpacks to more than {len(TEXT) - 1} bytes|more"):
            unpack(memoryview(data), kind, limit)


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_is_noticed(kind: str) -> None:
    packed = PACKERS[kind](TEXT)
    for data in (b"", packed[:-1], packed[: len(packed) // 2], b"junk", packed + b"junk"):
        with pytest.raises(ArchiveError, match="can't be unpacked"):
            unpack(memoryview(data), kind, 1 << 20)


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = memoryview(gzip.compress(bytes(1 << 28), 1))
    with pytest.raises(ArchiveError, match="unpacks to more than 1000 bytes"):
        gunzip(bomb, 1000)


def test_unknown_kinds() -> None:
    with pytest.raises(ArchiveError, match=r"'\.lz4' isn't supported"):
        unpack(memoryview(b""), ".lz4", 10)
    with pytest.raises(ArchiveError, match="no gzip stream"):
        gunzip(memoryview(b"PK"), 10)
