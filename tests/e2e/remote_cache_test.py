"""--config=remote-cache: what a warm cache saves.

The cache is nginx (HTTP) and BuildGrid (gRPC), on the loopback. CPython's compilation, which no
more than one of the builds here could need, comes from the disk cache that .ci/run has filled,
where there is one. Sizes are written to the test's log and to its outputs.
"""

from __future__ import annotations

import mmap
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import debian_servers
from tests.e2e.buildgrid_server import cache_service
from tests.e2e.http_cache import HttpCache, http_cache
from tests.e2e.remote_builds import (
    BASE,
    BASE_LAYOUT,
    NO_DISK,
    READ,
    WRITE,
    Build,
    build,
    layers,
    runfile,
    tree_digest,
)
from tests.e2e.roles import MINOR, OTHER_MINOR, SUITE
from tools.testing.checkout import Checkout, scratch, scratch_root

IMAGE = f"//images:{MINOR}-slim-{SUITE}_amd64"
OTHER = f"//images:{OTHER_MINOR}-slim-{SUITE}_amd64"
SAMPLE = 65536  # bytes; so many are not the same by chance

# What runs here runs on another machine, as far as a program can see: its name, its kernel, who
# it runs as. Then, in ELSEWHERE, the home folder and the locale.
OTHER_MACHINE = (
    *("unshare", "--map-root-user", "--uts", "sh", "-c"),
    "hostname elsewhere && exec setarch --uname-2.6 "
    'unshare --user --map-user=65534 --map-group=65534 "$@"',
    "sh",
)
ELSEWHERE = {
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "LOGNAME": "someone",
    "TZ": "Asia/Kathmandu",
    "USER": "someone",
}


@dataclass(frozen=True)
class Warm:
    """The cache after a first build of IMAGE, OTHER and BASE, and the checkout that made it."""

    cache: HttpCache
    first: Checkout
    build: Build
    base: str  # tree_digest of BASE's layout
    image: str  # tree_digest of IMAGE's layout

    def sent(self) -> int:
        """Bytes the server has sent since it was last asked."""
        return sum(r.sent for r in self.cache.requests() if r.method == "GET")


def image_layout(checkout: Checkout, minor: str = MINOR) -> Path:
    (found,) = (checkout.path / "bazel-bin/images").glob(f"{minor}.*-slim-{SUITE}_amd64")
    return found


def report(line: str) -> None:
    """Say something in the test's log, and in a file beside it."""
    print(line)
    if folder := os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"):
        with Path(folder, "remote_cache.txt").open("a") as out:
            out.write(line + "\n")


@pytest.fixture(scope="module")
def programs() -> Path:
    return debian_servers.unpacked()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = scratch_root() / f"remote-cache-servers.{os.getpid()}"
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def warm(folder: Path, programs: Path) -> Iterator[Warm]:
    disk = scratch_root().parent / "disk"
    with (
        http_cache(folder / "http", programs, disk) as cache,
        scratch("remote-cache-first", NO_DISK) as first,
    ):
        everything = ["--remote_download_outputs=all", f"--remote_cache={cache.filled_url}"]
        # The other minor version before: IMAGE's build is the one that is looked at.
        build(first, [OTHER], WRITE, *everything)
        done = build(first, [IMAGE, BASE], WRITE, *everything)
        adopted = cache.adopt()
        report(f"first build: {len(done.ran)} actions ran, {adopted} files from {disk}")
        layout = image_layout(first)
        base = tree_digest(first, BASE_LAYOUT)
        yield Warm(cache, first, done, base, tree_digest(first, f"images/{layout.name}"))


def test_a_build_fills_an_empty_cache_and_the_next_runs_nothing(
    folder: Path, programs: Path, warm: Warm
) -> None:
    with http_cache(folder / "empty", programs, Path("/nonexistent")) as cache:
        address = f"--remote_cache={cache.url}"
        filling = build(warm.first, [BASE], WRITE, address)
        assert len(filling.ran) == len(filling.spawns) > 0
        assert any(r.method == "PUT" and r.status == 201 for r in cache.requests())
        again = build(warm.first, [BASE], READ, address)
        assert again.ran == []
        assert {spawn.key for spawn in again.spawns} == {spawn.key for spawn in filling.spawns}
        assert tree_digest(warm.first, BASE_LAYOUT) == warm.base
        assert not any(r.method == "PUT" for r in cache.requests()), "READ writes"


def test_a_build_fills_a_grpc_cache_and_the_next_runs_nothing(folder: Path, warm: Warm) -> None:
    with cache_service(folder / "grpc", runfile("BUILDGRID")) as address:
        filling = build(warm.first, [BASE], WRITE, f"--remote_cache={address}")
        assert len(filling.ran) == len(filling.spawns) > 0
        again = build(warm.first, [BASE], READ, f"--remote_cache={address}")
        assert again.ran == []
        assert tree_digest(warm.first, BASE_LAYOUT) == warm.base


def test_a_fresh_clone_on_another_machine_runs_no_action(warm: Warm) -> None:
    """With equal keys: the caches' word for 'the same command, inputs and environment'."""
    if subprocess.run([*OTHER_MACHINE, "true"], check=False).returncode != 0:
        pytest.skip("unshare and setarch can't pretend another machine: no user namespaces here")
    repositories = warm.first.bazel("info", "repository_cache").output.split()[-1]
    name = "remote-cache-second-in-a-folder-of-another-length"
    with scratch(name, NO_DISK, OTHER_MACHINE) as second:
        home = second.path.parent / "home"
        home.mkdir()
        caches = os.environ.get("XDG_CACHE_HOME") or f"{os.environ['HOME']}/.cache"
        settings = os.environ.get("XDG_CONFIG_HOME") or f"{os.environ['HOME']}/.config"
        elsewhere = {
            **ELSEWHERE,
            "HOME": str(home),
            "XDG_CACHE_HOME": caches,
            "XDG_CONFIG_HOME": settings,
        }
        warm.sent()
        done = build(
            second,
            [IMAGE, BASE],
            READ,
            f"--remote_cache={warm.cache.url}",
            f"--repository_cache={repositories}",
            environment=elsewhere,
            umask=0o077,
        )
        assert done.ran == []
        assert tree_digest(second, f"images/{image_layout(second).name}") == warm.image

        def keys(of: Build) -> dict[tuple[str, str], str]:
            return {(spawn.mnemonic, spawn.label): spawn.key for spawn in of.spawns}

        assert keys(done) == keys(warm.build)
        assert any(mnemonic == "CompileCPython" for mnemonic, _ in keys(done))
        report(f"fresh clone: {len(done.spawns)} actions from the cache, {warm.sent()} bytes")


def test_what_is_downloaded(warm: Warm) -> None:
    sent = {}
    for mode in ("all", "toplevel", "minimal"):
        warm.sent()
        done = build(
            warm.first,
            [IMAGE],
            READ,
            f"--remote_cache={warm.cache.url}",
            f"--remote_download_outputs={mode}",
        )
        assert done.ran == []
        sent[mode] = warm.sent()
        report(f"--remote_download_outputs={mode}: {sent[mode]} bytes")
    build(warm.first, [IMAGE], READ, f"--remote_cache={warm.cache.url}")
    blobs = sum(f.stat().st_size for f in (image_layout(warm.first) / "blobs/sha256").iterdir())
    warm.sent()
    assert sent["minimal"] < blobs / 100
    assert blobs <= sent["toplevel"] < blobs * 1.1
    assert sent["all"] > 2 * sent["toplevel"]


def test_each_layer_is_stored_once(warm: Warm) -> None:
    """Whatever images, tags and archives are built, the store has one file with its bytes."""
    build(warm.first, [OTHER], READ, f"--remote_cache={warm.cache.url}")
    blobs = layers(image_layout(warm.first, OTHER_MINOR))
    archive, tag = f"{IMAGE}.tar", "//images:slim_amd64"
    build(warm.first, [IMAGE, archive, tag], WRITE, f"--remote_cache={warm.cache.url}")
    tar = image_layout(warm.first).name + ".tar"
    assert (warm.first.path / "bazel-bin/images" / tar).stat().st_size > SAMPLE
    blobs += layers(image_layout(warm.first))
    assert len(set(blobs)) < len(blobs), "the images share their base"

    content = warm.cache.store / "cas"
    large = [file for file in content.iterdir() if file.stat().st_size >= SAMPLE]
    for blob in set(blobs):
        sample = (content / blob).read_bytes()[:SAMPLE]
        if len(sample) < SAMPLE:
            continue
        assert [file.name for file in large if holds(file, sample)] == [blob]
    sizes = sorted((file.stat().st_size for file in large), reverse=True)
    report(f"store: {len(large)} files of 64 kB and more, {sum(sizes)} bytes, largest {sizes[:5]}")


def holds(file: Path, sample: bytes) -> bool:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as m:
        return m.find(sample) >= 0
