"""A distroless image stays small, and every part of it has an owner."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.size.size import Sizes, measure

_MEGABYTE = 1_000_000


@pytest.fixture(scope="module", name="sizes")
def _sizes() -> Sizes:
    return measure(Path(os.environ["IMAGE"]))


def test_its_layers_are_small(sizes: Sizes) -> None:
    assert sum(layer.blob for layer in sizes.layers) < 20 * _MEGABYTE
    assert sum(layer.zstd for layer in sizes.layers) < 16 * _MEGABYTE


def test_nearly_all_is_of_a_package_or_of_cpython(sizes: Sizes) -> None:
    computed = sizes.packages["computed, of no package"]
    assert computed.size < 0.5 * _MEGABYTE
    assert {"libc6", "libstdc++6", "libsqlite3-0"} <= sizes.packages.keys()


def test_no_folder_has_programs_but_cpythons(sizes: Sizes) -> None:
    assert sizes.folders["/usr/local/bin"].files == 1
    assert not {"/usr/bin", "/usr/sbin", "/usr/libexec", "/opt", "/root"} & sizes.folders.keys()
