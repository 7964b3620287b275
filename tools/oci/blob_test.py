"""Blobs of every compression, whole, in several members, damaged and cut short."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from tools.oci.blob import BlobError, compression_of, open_tar, pieces

# Larger than what is read at once, and hard to compress.
DATA = b"".join(n.to_bytes(4, "big") * 2 for n in range(400_000))


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACKED = {"": lambda data: data, "gzip": lambda data: gzip.compress(data, 1), "zstd": zstd}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("cut", [len(DATA), 1_000_000, 65_536])
def test_every_member_is_read(tmp_path: Path, kind: str, cut: int) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(
        b"".join(PACKED[kind](DATA[start : start + cut]) for start in range(0, len(DATA), cut))
    )
    assert compression_of(blob) == kind
    assert b"".join(pieces(blob)) == DATA
    with open_tar(blob) as stream:
        assert stream.read(7) == DATA[:7]
        assert stream.read() == DATA[7:]
        assert stream.read(1) == b""


def test_zstd_frames_without_data_are_passed_over(tmp_path: Path) -> None:
    # zstd:chunked layers end with some: their table of contents.
    blob = tmp_path / "blob"
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"table"
    blob.write_bytes(zstd(DATA) + skippable)
    assert b"".join(pieces(blob)) == DATA


def test_tarfile_reads_it(tmp_path: Path) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        member = tarfile.TarInfo("big")
        member.size = len(DATA)
        out.addfile(member, io.BytesIO(DATA))
    blob = tmp_path / "blob"
    blob.write_bytes(zstd(tar.getvalue()))
    with open_tar(blob) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for found in archive:
            extracted = archive.extractfile(found)
            assert extracted is not None
            assert extracted.read() == DATA


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_what_is_cut_short_or_damaged_is_refused(tmp_path: Path, kind: str) -> None:
    blob = tmp_path / "blob"
    whole = PACKED[kind](DATA)
    blob.write_bytes(whole[:-3])
    with pytest.raises(BlobError, match=f"blob: the {kind} stream ends too early"):
        list(pieces(blob))
    blob.write_bytes(whole[:900] + bytes(64) + whole[964:])
    with pytest.raises(BlobError, match=f"blob: damaged {kind} data: "), open_tar(blob) as stream:
        stream.read()
    blob.write_bytes(whole + b"more")
    with pytest.raises(BlobError, match=f"blob: (damaged {kind} data|the {kind} stream ends)"):
        list(pieces(blob))
