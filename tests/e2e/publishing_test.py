"""The commands of docs/publishing.md that build, push and sign, as they stand there.

With Debian's docker-registry on the loopback. tests/sbom/signing_test.py has those that verify.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents.pages import Page
from tools.oci.assembler.spec import OCI_INDEX
from tools.oci.attest import referrers
from tools.oci.registry.push_fixtures import client_of, login
from tools.oci.registry.real_registry import RealRegistry
from tools.testing.checkout import Checkout, scratch, scratch_root

COSIGN = str(Path(os.environ["COSIGN"]).absolute())
TAG = "3.14-slim"


@dataclass(frozen=True)
class World:
    """A checkout, a registry, the page with their names, and a folder for keys."""

    checkout: Checkout
    registry: RealRegistry
    page: Page
    keys: Path

    def run(self, section: str, number: int = 0, typed: str = "") -> str:
        """Run a block of a section, `typed` on a terminal; return what it prints."""
        ours, theirs = pty.openpty()
        os.write(ours, typed.encode())
        try:
            done = subprocess.run(
                ["bash", "-euc", self.page.section(section).blocks[number].text],
                cwd=self.checkout.path,
                env={
                    **os.environ,
                    **login(self.registry.folder, self.registry.host),
                    "COSIGN_PASSWORD": "p",
                },
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    folder = tmp_path_factory.mktemp("registry")
    keys = tmp_path_factory.mktemp("keys") / "cosign"
    with scratch("publishing") as checkout:
        # Commands of the page name no output base, nor do the programs that call Bazel. The cache
        # is that of .ci/run, which has these CPythons.
        (checkout.path / ".bazelrc.user").write_text(
            f"startup --output_base={checkout.output_base}\n"
            f"common --disk_cache={scratch_root().parent / 'disk'}\n"
        )
        registry = RealRegistry(folder, auth=True)
        try:
            names = {"HOST/PATH": f"{registry.host}/team/python", "~/.cosign": str(keys)}
            page = Page.read(checkout.path / "docs/publishing.md", names)
            yield World(checkout, registry, page, keys)
        finally:
            registry.stop()


def test_a_dry_run_builds_nothing(world: World) -> None:
    block, *_ = world.page.section("Many images").blocks
    first = block.text.splitlines()[0]
    assert first.endswith("--dry-run")
    done = subprocess.run(
        ["bash", "-euc", first],
        cwd=world.checkout.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "At most" in done.stderr
    assert not list((world.checkout.path / "bazel-bin/images").glob("*.outline"))


def test_publish_and_sign(world: World) -> None:
    told = world.run("One image", typed="y\n")
    assert "At most 2 compiles of CPython" in told
    # What was named, and nothing else.
    built = {
        path.name.partition("_")[2]
        for path in (world.checkout.path / "bazel-bin/images").glob("*.outline")
    }
    assert built == {"amd64.outline", "arm64.outline"}
    client = client_of(
        world.registry.host, "team/python", login(world.registry.folder, world.registry.host)
    )
    index = json.loads(client.manifest(TAG, OCI_INDEX).body)
    platforms = [entry["platform"]["architecture"] for entry in index["manifests"]]
    assert platforms == ["amd64", "arm64"]

    world.run("A key")
    key = world.keys / "python-images.key"
    assert (key.stat().st_mode & 0o077, world.keys.stat().st_mode & 0o077) == (0, 0)
    assert not list(world.checkout.path.glob("*.key"))
    world.run("Sign", typed="y\n")
    for entry in index["manifests"]:
        assert len(referrers.attached(client, entry["digest"])) == 3
    verified = subprocess.run(
        [
            *(COSIGN, "verify", "--key", key.with_suffix(".pub"), "--insecure-ignore-tlog=true"),
            f"{world.registry.host}/team/python:{TAG}",
        ],
        env={**os.environ, **login(world.registry.folder, world.registry.host)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    digest = client.manifest_digest(TAG, OCI_INDEX)
    assert digest
    assert digest in verified.stdout
