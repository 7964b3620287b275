"""CI's jobs that spare others the compilation: `.ci/run consumers`, then `.ci/run prebuilt`.

The cache is one in memory, the registry Debian's docker-registry, both on the loopback. The first
job compiles a CPython, the quick one, since nothing may come from a disk cache; the second takes it
from the cache.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.bazel_cache import BazelCache
from tests.e2e.remote_builds import NO_DISK, READ, Build, build
from tests.e2e.roles import MINOR, RELEASE, SUITE
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.real_registry import RealRegistry
from tools.testing.checkout import Checkout, dependent, scratch

TAG = f"{MINOR}-slim-{SUITE}"
NAME = f"{RELEASE}_{SUITE}_amd64"
FLAG = "python_images:optimization=none"

# What makes layers, and what they are made of.
LAYERS = {
    "CompileCPython",
    "DebianLayer",
    "LayerBlob",
    "LinkCPython",
    "PackageTree",
    "StripCPython",
}


@dataclasses.dataclass(frozen=True)
class World:
    """A checkout in which jobs run, and another workspace that reads what they made."""

    main: Checkout
    other: Checkout
    cache: BazelCache
    registry: RealRegistry

    def job(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a job as a CI system does."""
        return subprocess.run(
            [self.main.path / ".ci/run", *words],
            env={**os.environ, "REMOTE_CACHE": self.cache.url, **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def read(self, *flags: str) -> Build:
        """Build the image in the other workspace, with the cache alone."""
        return build(
            self.other,
            [f"@pythons//images:{TAG}_amd64"],
            READ,
            f"--remote_cache={self.cache.url}",
            *NO_DISK,
            *flags,
            f"--@pythons//{FLAG}",
        )


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    with scratch("ci_caches") as main:
        root = main.output_base.parent
        (root / "registry").mkdir()
        consumer = dataclasses.replace(main, path=main.path / ".ci/consumer")
        (consumer.path / ".bazelrc.user").write_text(
            f"startup --output_base={main.output_base}\nbuild --config=quick\n"
        )
        # A workspace of another name, with another name for the module.
        other = dependent(main, root / "other", "pythons")
        other = dataclasses.replace(other, output_base=root / "other_base")
        (other.path / "bazelw").symlink_to(main.path / "bazelw")
        (other.path / ".bazelrc").write_text("import %workspace%/../checkout/.bazelrc\n")
        registry = RealRegistry(root / "registry", auth=True)
        try:
            with BazelCache() as cache:
                yield World(main, other, cache, registry)
        finally:
            registry.stop()
            other.bazel("shutdown")


@pytest.fixture(scope="module")
def filled(world: World) -> World:
    """After the nightly job for one image."""
    done = world.job("consumers", "amd64", TAGS=TAG, REMOTE_CACHE_WRITE="true")
    assert done.returncode == 0, done.stderr
    assert [path for path in world.cache.stored if path.startswith("/ac/")]
    return world


def test_without_the_right_to_write_nothing_is_built(world: World) -> None:
    done = world.job("consumers", "amd64", TAGS=TAG, REMOTE_CACHE_WRITE="false")
    assert done.returncode == 2
    assert "REMOTE_CACHE_WRITE is not true" in done.stderr
    assert world.cache.stored == {}


def test_who_uses_the_module_runs_nothing(filled: World) -> None:
    made = filled.read()
    assert made.result.status == 0, made.result.errors
    assert {spawn.mnemonic for spawn in made.spawns} >= LAYERS
    assert made.ran == []


def test_in_another_mode_only_the_image_is_put_together(filled: World) -> None:
    made = filled.read("-c", "opt")
    assert made.result.status == 0, made.result.errors
    assert {name.partition(" ")[0] for name in made.ran} & LAYERS == set()


def test_a_compiled_python_goes_to_the_registry(filled: World) -> None:
    file = filled.main.path / "made/prebuilt.json"
    before = set(filled.cache.stored)
    done = filled.job(
        "prebuilt",
        str(file),
        CPYTHON_REGISTRY=f"{filled.registry.host}/team/cpython",
        CPYTHONS=f"{MINOR}_{SUITE}_amd64",
        REGISTRY_USER=USER,
        REGISTRY_PASSWORD=PASSWORD,
    )
    assert done.returncode == 0, done.stderr
    listed = json.loads(file.read_text())
    assert listed["repository"] == f"{filled.registry.host}/team/cpython"
    assert list(listed["cpythons"]) == [NAME]
    digest = listed["cpythons"][NAME]["blob"].removeprefix("sha256:")
    blobs = filled.registry.folder / "data/docker/registry/v2/blobs/sha256"
    blob = blobs / digest[:2] / digest / "data"
    assert blob.stat().st_size == listed["cpythons"][NAME]["size"]
    # It came from the cache, and a job without that right has stored nothing there.
    assert set(filled.cache.stored) == before


def test_a_wrong_password_is_the_jobs_failure(filled: World) -> None:
    file = filled.main.path / "made/other.json"
    done = filled.job(
        "prebuilt",
        str(file),
        CPYTHON_REGISTRY=f"{filled.registry.host}/team/cpython",
        CPYTHONS=f"{MINOR}_{SUITE}_amd64",
        REGISTRY_USER=USER,
        REGISTRY_PASSWORD="wrong",
    )
    assert done.returncode != 0
    assert not file.exists()
    assert "wrong" not in done.stdout + done.stderr
