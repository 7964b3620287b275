"""What the layers that alpine_layer made hold."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path


def members(layer: str) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(Path(os.environ[layer])) as tar:
        return {info.name: info for info in tar}


def content(layer: str, path: str) -> str:
    with tarfile.open(Path(os.environ[layer])) as tar:
        stream = tar.extractfile(path)
        assert stream is not None
        return stream.read().decode()


def test_a_base_layer() -> None:
    base = members("BASE")
    assert base["bin/ls"].linkname == "/bin/busybox"
    assert base["tmp"].mode == 0o1777
    assert content("BASE", "etc/apk/world") == "baselayout\nbusybox\n"
    assert content("BASE", "etc/apk/repositories") == "https://mirror.test/alpine/v3.24/main\n"
    assert max(info.mtime for info in base.values()) <= 1700000010


def test_a_layer_above_it() -> None:
    assert set(members("TOOLS")) == {
        "usr/lib", "usr/lib/libfoo.so.1", "usr/lib/libunused.so.1", "etc/apk/world",
        "lib/apk/db/installed",
    }  # fmt: skip
    assert content("TOOLS", "etc/apk/world") == "baselayout\nbusybox\nlibfoo\n"


def test_a_layer_chosen_by_need() -> None:
    needed = members("NEEDED")
    assert "usr/lib/libfoo.so.1" in needed
    assert "usr/lib/libunused.so.1" not in needed
