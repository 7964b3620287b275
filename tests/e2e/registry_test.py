"""Pushing with `bazel run` to a real registry: what is fetched for it, and what others read back.

Debian's docker-registry on the loopback, with a user and password; skopeo, and crane from Debian's
newest suite.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bazel_cache import BazelCache
from tests.e2e.debian_program import unpacked
from tools.bootstrap.common import BootstrapError
from tools.oci.assembler.layout import Layout
from tools.oci.registry.push_fixtures import login
from tools.oci.registry.real_registry import RealRegistry
from tools.testing.checkout import Checkout, Result, scratch

TINY = "//python_images/tests/oci"
IMAGE = Path(os.environ["IMAGE"])
PUSH = Path(os.environ["PUSH"])


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RealRegistry]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    (tmp_path / "registry").mkdir()
    running = RealRegistry(tmp_path / "registry", auth=True)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def crane(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program crane, the machine's or Debian's; empty where there is none."""
    if found := shutil.which("crane"):
        return found
    try:
        return str(unpacked("crane", tmp_path_factory.mktemp("debian")) / "usr/bin/crane")
    except BootstrapError:
        return ""


def test_both_programs_read_back(crane: str) -> None:
    """Say what nobody reads back below: the output of tests that pass isn't shown."""
    readers = {"skopeo": shutil.which("skopeo"), "crane": crane}
    if missing := [name for name, found in readers.items() if not found]:
        pytest.skip(f"SKIPPED: nothing is read back by {' and '.join(missing)}: not available here")


def environment(registry: RealRegistry) -> dict[str, str]:
    return {**os.environ, **login(registry.folder, registry.host)}


def read_back(registry: RealRegistry, reference: str, digest: str, crane: str, tmp: Path) -> None:
    """Have skopeo and crane fetch all of an image, check every digest, and agree on its own."""
    tmp.mkdir(exist_ok=True)
    name = f"{registry.host}/{reference}"
    if shutil.which("skopeo"):
        subprocess.run(
            [
                *("skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"),
                *("--src-tls-verify=false", f"--src-authfile={registry.folder}/config.json"),
                *(f"docker://{name}", f"oci:{tmp / 'skopeo'}:x"),
            ],
            check=True,
            env=environment(registry),
        )
        assert Layout(tmp / "skopeo").root()["digest"] == digest
    if crane:
        ran = [
            subprocess.run(
                [crane, *words, name],
                env=environment(registry),
                capture_output=True,
                text=True,
                check=False,
            )
            for words in (("digest",), ("validate", "--remote"))
        ]
        assert [each.returncode for each in ran] == [0, 0], ran
        assert ran[0].stdout.strip() == digest


def test_an_image_as_it_is(registry: RealRegistry, crane: str, tmp_path: Path) -> None:
    words = [str(PUSH), f"--image={IMAGE}", f"--repository={registry.host}/team/python", "--tag=x"]
    done = subprocess.run(
        words, env=environment(registry), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    digest = Layout(IMAGE).root()["digest"]
    assert done.stdout == f"{registry.host}/team/python@{digest}\n"
    read_back(registry, "team/python:x", digest, crane, tmp_path)
    # An image that shares layers, in another repository: they are not sent again.
    words = [*words, f"--repository={registry.host}/team/other", "--mount-from=team/python"]
    done = subprocess.run(
        words, env=environment(registry), capture_output=True, text=True, check=False
    )
    count = len(Layout(IMAGE).image()[1]["layers"]) + 1
    assert f"sent 0 blobs (0.0 MB), mounted {count}, 1 manifests" in done.stderr
    read_back(registry, "team/other:x", digest, "", tmp_path / "other")


def publish(checkout: Checkout, registry: RealRegistry, *more: str) -> Result:
    bazel = f"{checkout.path}/bazelw --output_base={checkout.output_base}"
    return checkout.bazel(
        "run",
        f"{TINY}:publish",
        "--",
        *("--repository", f"{registry.host}/team/tiny", "--bazel", bazel, *more),
        environment=login(registry.folder, registry.host),
    )


def layer_paths(whole: Layout) -> set[str]:
    """Return what the layers are called in a cache: it keeps things by the digest they have."""
    return {
        blob["digest"].replace("sha256:", "/cas/")
        for _, manifest in whole.images()
        for blob in manifest["layers"]
    }


def test_layers_come_only_when_they_are_needed(
    registry: RealRegistry, crane: str, tmp_path: Path
) -> None:
    with BazelCache() as cache, scratch("registry", ["--disk_cache="]) as checkout:
        (checkout.path / ".bazelrc.user").write_text(f"common --remote_cache={cache.url}\n")
        first = publish(checkout, registry)
        assert first.status == 0, first.output
        assert "sent 5 blobs" in first.output
        built = checkout.bazel("build", f"{TINY}:tiny")
        assert built.status == 0, built.errors
        whole = Layout(checkout.path / "bazel-bin/python_images/tests/oci/tiny")
        digest, layers = whole.root()["digest"], layer_paths(whole)
        assert len(layers) == 3
        assert layers <= set(cache.stored)
        read_back(registry, "team/tiny:latest", digest, crane, tmp_path)

        # A fresh machine, and nothing new to push: no layer is fetched from the cache.
        assert checkout.bazel("clean").status == 0
        cache.read.clear()
        again = publish(checkout, registry)
        assert again.status == 0, again.output
        assert "sent 0 blobs (0.0 MB), 0 manifests and 0 tags; 11 were there" in again.output
        assert cache.read
        assert layers.isdisjoint(cache.read)
        assert not list((checkout.path / "bazel-bin/python_images/tests/oci").glob("*.tar.gz"))

        # A registry that lacks all: the layers of the image that is asked for are fetched, and
        # nothing is built.
        assert checkout.bazel("clean").status == 0
        cache.read.clear()
        registry.stop()
        shutil.rmtree(registry.folder / "data")
        registry.start()
        only = publish(checkout, registry, "--only", "1-amd64")
        assert only.status == 0, only.output
        assert "sent 3 blobs" in only.output
        assert "linux-sandbox" not in only.output
        fetched = layers & set(cache.read)
        amd64 = Layout(checkout.path / "bazel-bin/python_images/tests/oci/tiny_amd64.outline")
        assert fetched == layer_paths(amd64)
        assert len(fetched) == 2

        # Images and layers are built with the same flags, whatever `bazel run` itself was given.
        assert checkout.bazel("clean").status == 0
        registry.stop()
        shutil.rmtree(registry.folder / "data")
        registry.start()
        other = publish(checkout, registry, "--build-flag=--compilation_mode=opt")
        assert other.status == 0, other.output
        assert "sent 5 blobs" in other.output
