"""Disk images: what is read of each kind of cluster, and what is refused."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.alpine.ext4 import Ext4
from tests.alpine.qcow2 import DiskError, Qcow2

CLUSTER = 512
PLAIN, PACKED = bytes(range(256)) * 2, b"packed" * 85 + b"!!"


def image(folder: Path, *, magic: bytes = b"QFI\xfb", backing: int = 0, features: int = 0) -> Path:
    """Four clusters: one as it is, one compressed, one of zeros, and one never written."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(PACKED) + packer.flush()
    header = struct.pack(">4sIQIIQIIQ", magic, 3, backing, 0, 9, 4 * CLUSTER, 0, 1, CLUSTER)
    header += struct.pack(">QIIQQQQII", 0, 0, 0, 0, features, 0, 0, 4, 104)[: 104 - len(header)]
    header = header[:72] + struct.pack(">Q", features) + header[80:]
    second = struct.pack(">4Q", 3 * CLUSTER, 1 << 62 | 4 * CLUSTER, 1, 0)
    clusters = [header, struct.pack(">Q", 2 * CLUSTER), second, PLAIN, packed]
    path = folder / "disk.qcow2"
    path.write_bytes(b"".join(part.ljust(CLUSTER, b"\0") for part in clusters))
    return path


def test_every_kind_of_cluster_is_read(tmp_path: Path) -> None:
    disk = Qcow2(image(tmp_path))
    assert disk.size == 4 * CLUSTER
    assert disk.read(0, disk.size) == PLAIN + PACKED + bytes(2 * CLUSTER)
    assert disk.read(CLUSTER - 2, 8) == PLAIN[-2:] + b"packed"
    with pytest.raises(DiskError, match="beyond the disk's end"):
        disk.read(disk.size - 1, 2)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"magic": b"QFI\0"}, "no qcow2"),
        ({"backing": 512}, "has a backing file"),
        ({"features": 1 << 4}, "features unknown here"),
    ],
)
def test_what_is_no_such_image(tmp_path: Path, changes: dict[str, bytes], problem: str) -> None:
    with pytest.raises(DiskError, match=problem):
        Qcow2(image(tmp_path, **changes))  # type: ignore[arg-type]
    (tmp_path / "short").write_bytes(b"QFI\xfb")
    with pytest.raises(DiskError, match="no disk image"):
        Qcow2(tmp_path / "short")


class Raw:
    """A disk that is a file."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()

    def read(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]


@pytest.fixture
def program() -> str:
    """mke2fs, which is not on everybody's PATH."""
    found = shutil.which("mke2fs", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip("needs mke2fs")
    return found


def test_a_file_system_that_mke2fs_made(program: str, tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "sub").mkdir(parents=True)
    (top / "sub/large").write_bytes(PLAIN * 5000)
    (top / "sub/empty").touch(0o640)
    (top / "twin").hardlink_to(top / "sub/large")
    (top / "short").symlink_to("sub/large")
    (top / "long").symlink_to("x" * 100)
    options = ["-q", "-t", "ext4", "-O", "^64bit,^metadata_csum,^metadata_csum_seed,^orphan_file"]
    made = tmp_path / "ext4"
    subprocess.run([program, *options, "-d", top, made, "16m"], check=True, capture_output=True)
    tree = Ext4(Raw(made)).tree()
    assert sorted(tree) == [
        "",
        "long",
        "lost+found",
        "short",
        "sub",
        "sub/empty",
        "sub/large",
        "twin",
    ]
    assert tree["sub/large"].data == PLAIN * 5000
    assert tree["twin"].number == tree["sub/large"].number
    assert (tree["short"].target, tree["long"].target) == ("sub/large", "x" * 100)
    assert tree["sub/empty"].mode & 0o7777 == 0o640
    assert tree["sub/empty"].mtime == int((top / "sub/empty").stat().st_mtime)
    with pytest.raises(DiskError, match="no ext4 file system"):
        Ext4(Raw(image(tmp_path)))


def test_a_file_system_with_more_than_is_read_here(program: str, tmp_path: Path) -> None:
    made = tmp_path / "ext4"
    subprocess.run(
        [program, "-q", "-t", "ext4", "-O", "64bit", made, "16m"], check=True, capture_output=True
    )
    with pytest.raises(DiskError, match="features unknown here: 0x80"):
        Ext4(Raw(made)).tree()
