"""Images with zstd layers: smaller, of the same trees, read by skopeo, podman and containerd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.container_runtime import container_runtime, missing
from tests.e2e.daemons import containerd, containerd_missing
from tests.e2e.roles import SUITE
from tools.oci.assembler.layout import Layout
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.push_fixtures import login
from tools.oci.registry.real_registry import RealRegistry
from tools.testing.checkout import Checkout, scratch

# Without CPython, which nobody wants to compile for this.
NAME = f"{SUITE}-slim_amd64"
FLAG = "--//python_images:layers=zstd"
TYPE = "application/vnd.oci.image.layer.v1.tar"


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("zstd") as made:
        yield made


def built(checkout: Checkout, *flags: str) -> Path:
    """The layout of the image, built with these flags."""
    result = checkout.bazel("build", *flags, f"//images/debian:{NAME}")
    assert result.status == 0, result.errors
    copy = checkout.path.parent / f"layout{len(flags)}"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(checkout.path / "bazel-bin/images/debian" / NAME, copy)
    return copy


def manifest(layout: Path) -> dict[str, Any]:
    return document(layout, Layout(layout).root()["digest"])


def document(layout: Path, digest: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((layout / "blobs" / digest.replace(":", "/")).read_bytes())
    return found


@pytest.fixture(scope="module")
def both(checkout: Checkout) -> tuple[Path, Path]:
    """The image with gzip layers, and with zstd layers."""
    return built(checkout), built(checkout, FLAG)


def test_the_trees_are_the_same_and_the_blobs_smaller(both: tuple[Path, Path]) -> None:
    gzip, zstd = (manifest(layout) for layout in both)
    assert {layer["mediaType"] for layer in gzip["layers"]} == {TYPE + "+gzip"}
    assert {layer["mediaType"] for layer in zstd["layers"]} == {TYPE + "+zstd"}
    trees = [
        document(layout, found["config"]["digest"])["rootfs"]["diff_ids"]
        for layout, found in zip(both, (gzip, zstd), strict=True)
    ]
    assert trees[0] == trees[1]
    sizes = [sum(layer["size"] for layer in found["layers"]) for found in (gzip, zstd)]
    assert sizes[1] < 0.8 * sizes[0]


@pytest.fixture(scope="module")
def registry(
    checkout: Checkout, both: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealRegistry]:
    """A registry that has the image with zstd layers as debian:zstd."""
    del both
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    started = RealRegistry(tmp_path_factory.mktemp("registry"), auth=True)
    try:
        pushed = checkout.bazel(
            "run",
            FLAG,
            f"//images/debian:{NAME}.push",
            "--",
            f"--repository={started.host}/debian",
            "--tag=zstd",
            environment={**os.environ, **login(started.folder, started.host)},
        )
        assert pushed.status == 0, pushed.errors
        yield started
    finally:
        started.stop()


def test_skopeo_pulls_and_podman_runs_it(
    registry: RealRegistry, both: tuple[Path, Path], tmp_path: Path
) -> None:
    if not shutil.which("skopeo"):
        pytest.skip("SKIPPED: skopeo is not installed here; nothing pulls the image")
    copied = tmp_path / "copied"
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests"]
    command += ["--src-tls-verify=false", f"--src-authfile={registry.folder}/config.json"]
    command += [f"docker://{registry.host}/debian:zstd", f"oci:{copied}:x"]
    environment = {**os.environ, **login(registry.folder, registry.host)}
    subprocess.run(command, check=True, env=environment)
    assert Layout(copied).root()["digest"] == Layout(both[1]).root()["digest"]
    if why := missing():
        pytest.skip(f"SKIPPED: podman doesn't run the image: {why}")
    with (
        tempfile.TemporaryDirectory(prefix="zstd-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as runtime,
    ):
        image = runtime.load(copied, "zstd")
        assert runtime.run(image, "cat", "/etc/debian_version")


def test_containerd_pulls_and_runs_it(
    registry: RealRegistry, both: tuple[Path, Path], tmp_path: Path
) -> None:
    if why := containerd_missing("runc"):
        pytest.skip(f"SKIPPED: {why}")
    image = f"{registry.host}/debian:zstd"
    with containerd(tmp_path) as environment:

        def ctr(*words: str) -> str:
            done = subprocess.run(
                ["ctr", *words], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (words, done.stderr)
            return done.stdout

        ctr("images", "pull", "--plain-http", f"--user={USER}:{PASSWORD}", image)
        (listed,) = [line for line in ctr("images", "ls").splitlines() if image in line]
        assert Layout(both[1]).root()["digest"] in listed
        assert ctr("run", "--rm", "--net-host", image, "zstd", "cat", "/etc/debian_version")
