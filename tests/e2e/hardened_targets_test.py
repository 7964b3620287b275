"""Companion targets of hardened images as people call them, and an index of two platforms.

With Debian's docker-registry on the loopback and the pinned cosign; IMAGES are labels of indexes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.container_runtime import container_runtime, missing
from tests.e2e.roles import MINOR, RELEASE
from tools.oci.assembler.spec import OCI_INDEX, OCI_MANIFEST
from tools.oci.attest import referrers
from tools.oci.registry.client import Client
from tools.oci.registry.push_fixtures import client_of, login
from tools.oci.registry.real_registry import RealRegistry
from tools.testing.checkout import Checkout, scratch, scratch_root

COSIGN = str(Path(os.environ["COSIGN"]).absolute())
IMAGES = os.environ["IMAGES"].split()
# The shell that `.shell` opens; "" where there is none.
SHELLS = {"distroless": "", "distroless-debug": "/busybox/sh"}
PLATFORMS = ("amd64", "arm64")
_FILES = ("digest", "provenance", "sbom", "tar")
_PROGRAMS = ("cves", "load", "push", "run", "shell", "sign", "size")


def _name(image: str) -> str:
    """The tag of an image, which is its target's name."""
    return image.rpartition(":")[2]


def _kind(image: str) -> str:
    """The part of the tag between the version and the suite."""
    return _name(image).partition("-")[2].rpartition("-")[0]


def _shell(image: str) -> str:
    return SHELLS.get(_kind(image), "/bin/bash")


@dataclass(frozen=True)
class World:
    """A checkout with all targets of the images, a registry with a login, a folder with a key."""

    checkout: Checkout
    registry: RealRegistry
    keys: Path

    @property
    def repository(self) -> str:
        return f"{self.registry.host}/team/python"

    @property
    def login(self) -> dict[str, str]:
        return login(self.registry.folder, self.registry.host)

    def client(self) -> Client:
        return client_of(self.registry.host, "team/python", self.login)

    def build(self, targets: list[str]) -> None:
        done = self.checkout.bazel("build", *targets)
        assert done.status == 0, done.errors

    def run(
        self, target: str, *words: str, status: int = 0, more: Mapping[str, str] | None = None
    ) -> str:
        """What `bazel run` of a target prints."""
        environment = {**self.login, "COSIGN_PASSWORD": "p", **(more or {})}
        done = self.checkout.bazel("run", target, "--", *words, environment=environment)
        assert done.status == status, done.output
        return done.output

    def file(self, image: str, ending: str) -> Path:
        """A file that is built of an image for amd64; its own target is called by the release."""
        own = _name(image).replace(MINOR, RELEASE, 1)
        return self.checkout.path / f"bazel-bin/images/{own}_amd64{ending}"

    def digest(self, image: str) -> str:
        return self.file(image, ".json.sha256").read_text().strip()

    def verify(self, reference: str) -> None:
        key = ["--key", str(self.keys / "cosign.pub"), "--insecure-ignore-tlog=true"]
        done = subprocess.run(
            [COSIGN, "verify", *key, self.repository + reference],
            env={**os.environ, **self.login},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    keys = tmp_path_factory.mktemp("keys")
    subprocess.run(
        [COSIGN, "generate-key-pair"],
        check=True,
        cwd=keys,
        env={**os.environ, "COSIGN_PASSWORD": "p"},
        capture_output=True,
    )
    with scratch("hardened") as checkout:
        # Programs that call Bazel name no output base. The cache is that of .ci/run, which has
        # these CPythons.
        (checkout.path / ".bazelrc.user").write_text(
            f"startup --output_base={checkout.output_base}\n"
            f"common --disk_cache={scratch_root().parent / 'disk'}\n"
        )
        registry = RealRegistry(tmp_path_factory.mktemp("registry"), auth=True)
        try:
            made = World(checkout, registry, keys)
            made.build([f"{image}_amd64.{one}" for image in IMAGES for one in _FILES + _PROGRAMS])
            yield made
        finally:
            registry.stop()


@pytest.mark.parametrize("image", IMAGES)
def test_it_is_pushed_and_signed(world: World, image: str) -> None:
    tag, repository, digest = _name(image), f"--repository={world.repository}", world.digest(image)
    world.run(f"{image}_amd64.push", repository, f"--tag={tag}")
    client = world.client()
    assert client.manifest_digest(tag, OCI_MANIFEST) == digest
    config = json.loads(client.manifest(tag, OCI_MANIFEST).body)["config"]
    assert config["mediaType"] == "application/vnd.oci.image.config.v1+json"

    world.run(f"{image}_amd64.sign", repository, f"--key={world.keys}/cosign.key")
    assert len(referrers.attached(client, digest)) == 3
    world.verify(f"@{digest}")


@pytest.mark.parametrize("image", IMAGES)
def test_its_documents_are_about_it(world: World, image: str, tmp_path: Path) -> None:
    digest = world.digest(image)
    bill = json.loads(world.file(image, ".cdx.json").read_text())
    assert bill["metadata"]["component"]["version"] == digest
    versions = {one["name"]: one["version"] for one in bill["components"]}
    assert {"cpython", "libc6", "libssl3t64"} <= versions.keys()
    statement = json.loads(world.file(image, ".intoto.json").read_text())
    assert statement["subject"][0]["digest"]["sha256"] == digest.removeprefix("sha256:")

    row = {"status": "open", "urgency": "high"}
    data = tmp_path / "tracker.json"
    suite = _name(image).rpartition("-")[2]
    data.write_text(json.dumps({"glibc": {"CVE-2026-10003": {"releases": {suite: row}}}}))
    assert "CVE-2026-10003" in world.run(f"{image}_amd64.cves", f"--data={data}")


@pytest.mark.parametrize("image", [one for one in IMAGES if _kind(one) != "distroless-dev"])
def test_its_size_is_told(world: World, image: str) -> None:
    """But not of the one with compilers: its 400 MB are compressed three times for that."""
    told = world.run(f"{image}_amd64.size")
    assert "CPython" in told
    assert "libc6" in told


@pytest.mark.parametrize("image", IMAGES)
def test_it_runs_and_opens_the_shell_that_it_has(world: World, image: str) -> None:
    assert "\n42\n" in world.run(f"{image}_amd64.run", "python3", "-c", "print(6 * 7)")
    words, path = ("-c", "echo $0 $((6 * 7))"), _shell(image)
    if path:
        assert f"\n{path} 42\n" in world.run(f"{image}_amd64.shell", *words)
    else:
        told = world.run(f"{image}_amd64.shell", *words, status=125)
        assert "error: the image has no shell: " in told
        assert ".run -- PROGRAM" in told


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.skipif(bool(missing()), reason=f"SKIPPED: {missing()}")
def test_an_engine_loads_it(world: World, image: str) -> None:
    """By `.load`, and by the archive that `.tar` is; what it then runs is without privileges."""
    with (
        tempfile.TemporaryDirectory(prefix="hardened-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as runtime,
    ):
        own = {
            "CONTAINERS_CONF": f"{root}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{root}/storage.conf",
        }
        told: list[str] = []
        for way in ("load", "tar"):
            if way == "load":
                world.run(f"{image}_amd64.load", "--engine=podman", more=own)
            else:
                runtime.call("podman", "load", "--input", str(world.file(image, ".tar")))
            name = f"localhost/python:{_name(image)}"
            (facts,) = json.loads(runtime.call("podman", "image", "inspect", "--", name))
            told.append(facts["Id"])
            options = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges")
            code = "import os; print(os.getuid())"
            user = runtime.run(facts["Id"], "python3", "-c", code, options=options)
            assert user == f"{facts['Config'].get('User') or 0}\n"
            runtime.call("podman", "rmi", "--all", "--force")
        assert told[0] == told[1]


def test_an_index_of_two_platforms(world: World) -> None:
    image = IMAGES[0]
    tag, client = _name(image), world.client()
    chosen = [f"--repository={world.repository}", f"--only={tag}"]
    chosen += [f"--platform={platform}" for platform in PLATFORMS]
    world.run("//images:publish", *chosen, "--yes")
    entries = json.loads(client.manifest(tag, OCI_INDEX).body)["manifests"]
    assert [entry["platform"]["architecture"] for entry in entries] == list(PLATFORMS)
    assert entries[0]["digest"] == world.digest(image)
    # It has all the tags of its image.
    digest = client.manifest_digest(tag, OCI_INDEX)
    assert digest == client.manifest_digest(tag.rpartition("-")[0], OCI_INDEX)

    world.run("//images:sign", *chosen, f"--key={world.keys}/cosign.key", "--yes")
    for entry in entries:
        assert len(referrers.attached(client, entry["digest"])) == 3
        world.verify(f"@{entry['digest']}")
    world.verify(f"@{digest}")
