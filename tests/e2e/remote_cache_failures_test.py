"""--config=remote-cache when the cache fails or lies: the build ends right, or says why.

The cache is nginx on the loopback, or nobody; the image is a Debian base, which takes seconds.
docs/remote-cache.md has a table of what is tested here.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import debian_servers
from tests.e2e.http_cache import HttpCache, http_cache
from tests.e2e.processes import free_port
from tests.e2e.remote_builds import (
    BASE,
    BASE_LAYOUT,
    NO_DISK,
    READ,
    WRITE,
    build,
    layers,
    tree_digest,
)
from tools.testing.checkout import Checkout, scratch, scratch_root


@dataclass(frozen=True)
class Warm:
    """The cache after a first build of BASE, and the checkout that made it."""

    cache: HttpCache
    first: Checkout
    base: str  # tree_digest of BASE's layout


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = scratch_root() / f"remote-cache-failures-servers.{os.getpid()}"
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def warm(folder: Path) -> Iterator[Warm]:
    with (
        http_cache(folder / "http", debian_servers.unpacked(), Path("/nonexistent")) as cache,
        scratch("remote-cache-failures", NO_DISK) as first,
    ):
        filling = build(first, [BASE], WRITE, f"--remote_cache={cache.url}")
        assert len(filling.ran) == len(filling.spawns) > 0
        yield Warm(cache, first, tree_digest(first, BASE_LAYOUT))


# --- a cache that fails ------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_cache_that_is_down_is_named_and_done_without(warm: Warm, scheme: str) -> None:
    done = build(warm.first, [BASE], WRITE, f"--remote_cache={scheme}://127.0.0.1:{free_port()}")
    assert len(done.ran) == len(done.spawns) > 0
    assert "WARNING: Remote Cache:" in done.result.output
    assert tree_digest(warm.first, BASE_LAYOUT) == warm.base


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_cache_that_never_answers_is_done_without(warm: Warm, scheme: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        # As configured but for the time, which each of three actions waits.
        flags = [READ, "--remote_timeout=3", f"--remote_cache={address}"]
        done = build(warm.first, [BASE], *flags)
    assert len(done.ran) == len(done.spawns) > 0
    assert "WARNING: Remote Cache:" in done.result.output
    assert tree_digest(warm.first, BASE_LAYOUT) == warm.base


def test_a_slow_cache_is_waited_for(warm: Warm) -> None:
    """For longer than an answer may take: what counts is that bytes keep coming."""
    flags = [READ, "--remote_timeout=3", f"--remote_cache={warm.cache.slow_url}"]
    done = build(warm.first, [BASE], *flags)
    assert done.ran == []
    assert tree_digest(warm.first, BASE_LAYOUT) == warm.base


# --- a cache that lies -------------------------------------------------------------------------


@pytest.fixture
def lying(folder: Path, warm: Warm) -> Iterator[HttpCache]:
    """The warm cache; what a test does to its entries is undone after."""
    saved = folder / "saved"
    # Links, which cost nothing: nginx and the tests replace files, and don't write into them.
    shutil.copytree(warm.cache.store, saved, copy_function=os.link)
    yield warm.cache
    shutil.rmtree(warm.cache.store)
    saved.rename(warm.cache.store)


def overwrite(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def base_layer(warm: Warm) -> str:
    """Return the digest of the content of BASE's one layer, a name in `cas`."""
    # READ doesn't list the layer among what may be missing: it is fetched with the image.
    build(warm.first, [BASE], READ, f"--remote_cache={warm.cache.url}")
    (digest,) = layers(warm.first.path / "bazel-bin" / BASE_LAYOUT)
    return digest


def result_of(warm: Warm, cache: HttpCache, mnemonic: str) -> Path:
    """Return the file with the result of BASE's action of a mnemonic."""
    done = build(warm.first, [BASE], READ, f"--remote_cache={cache.url}")
    (key,) = {spawn.key for spawn in done.spawns if spawn.mnemonic == mnemonic}
    return cache.entry("ac", key)


def test_content_that_was_dropped_is_made_again(warm: Warm, lying: HttpCache) -> None:
    lying.entry("cas", base_layer(warm)).unlink()
    done = build(warm.first, [BASE], READ, f"--remote_cache={lying.url}")
    assert "retrying the build" in done.result.output
    assert tree_digest(warm.first, BASE_LAYOUT) == warm.base


def test_wrong_content_is_refused_and_a_writer_mends_it(warm: Warm, lying: HttpCache) -> None:
    file = lying.entry("cas", base_layer(warm))
    right = file.read_bytes()
    for wrong in (right[:1000] + b"wrong" + right[1005:], right[:-1000]):
        overwrite(file, wrong)
        address = f"--remote_cache={lying.url}"
        done = build(warm.first, [BASE], READ, address, succeeds=False)
        assert f"Expected digest '{file.name}" in done.result.output
        # What docs/remote-cache.md says to do.
        build(warm.first, [BASE], READ, "--noremote_accept_cached", address)
        assert tree_digest(warm.first, BASE_LAYOUT) == warm.base
        build(warm.first, [BASE], WRITE, "--noremote_accept_cached", address)
        assert file.read_bytes() == right
        assert build(warm.first, [BASE], READ, address).ran == []


def test_a_result_that_is_none_is_ignored(warm: Warm, lying: HttpCache) -> None:
    overwrite(result_of(warm, lying, "LayerBlob"), os.urandom(300))
    done = build(warm.first, [BASE], READ, f"--remote_cache={lying.url}")
    assert any(line.startswith("LayerBlob ") for line in done.ran)
    assert tree_digest(warm.first, BASE_LAYOUT) == warm.base


def test_the_result_of_another_action_is_ignored(warm: Warm, lying: HttpCache) -> None:
    other = result_of(warm, lying, "OCIImage").read_bytes()
    overwrite(result_of(warm, lying, "LayerBlob"), other)
    done = build(warm.first, [BASE], READ, f"--remote_cache={lying.url}")
    assert any(line.startswith("LayerBlob ") for line in done.ran)
    assert "was not created" in done.result.output
    assert tree_digest(warm.first, BASE_LAYOUT) == warm.base


def test_a_forged_result_is_believed_and_found_out_without_the_cache(
    warm: Warm, lying: HttpCache
) -> None:
    """Why only trusted machines may write: no reader can tell, so compare, as the page says."""
    address = f"--remote_cache={lying.url}"
    victim = result_of(warm, lying, "LayerBlob")
    # A true result, of an action that gives the same names to other bytes.
    with warm.first.changed(
        "tools/oci/compress.py", "GZIP_LEVEL: Final = 10", "GZIP_LEVEL: Final = 1"
    ):
        made = build(warm.first, [BASE], WRITE, address)
    (key,) = {spawn.key for spawn in made.spawns if spawn.mnemonic == "LayerBlob"}
    assert key != victim.name
    overwrite(victim, lying.entry("ac", key).read_bytes())

    assert build(warm.first, [BASE], READ, address).result.status == 0
    assert tree_digest(warm.first, BASE_LAYOUT) != warm.base
    build(warm.first, [BASE], READ, "--noremote_accept_cached", address)
    assert tree_digest(warm.first, BASE_LAYOUT) == warm.base
