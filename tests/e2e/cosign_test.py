"""Signing with the newest cosign that Debian has, and verifying with both: the older one too.

tests/sbom/signing_test.py has what the pinned one does; versions 2 and 3 differ in their options
and in what they write unless told otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.debian_program import unpacked
from tools.bootstrap.common import BootstrapError
from tools.cli.transfer import Transfer
from tools.oci.assembler.layout import Layout
from tools.oci.registry.push import Image, push
from tools.oci.registry.push_fixtures import client_of, login
from tools.oci.registry.real_registry import RealRegistry

PINNED, SIGN = (str(Path(os.environ[name]).absolute()) for name in ("COSIGN", "SIGN"))
LAYOUT = Layout(Path(os.environ["INDEX"]).absolute())
PREDICATES = ("slsaprovenance1", "spdxjson")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RealRegistry]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    running = RealRegistry(tmp_path, auth=True)
    yield running
    running.stop()


@pytest.fixture
def newest(tmp_path: Path) -> str:
    try:
        return str(unpacked("cosign", tmp_path / "debian") / "usr/bin/cosign")
    except BootstrapError as error:
        pytest.skip(f"SKIPPED: cosign is not available: {str(error).splitlines()[0]}")


def test_the_newest_cosign(registry: RealRegistry, newest: str, tmp_path: Path) -> None:
    name = f"{registry.host}/team/debian"
    session = login(tmp_path, registry.host)
    environment = {
        **session,
        "COSIGN_PASSWORD": "p",
        "HOME": str(tmp_path / "home"),
        "PATH": os.environ["PATH"],
        "RUNFILES_DIR": os.environ["TEST_SRCDIR"],
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    push(client_of(registry.host, "team/debian", session), [Image(LAYOUT, ("1",))], Transfer())
    run(newest, "generate-key-pair")
    run(SIGN, f"--repository={name}", "--key=cosign.key", f"--cosign={newest}")
    images = [entry["digest"] for entry, _ in LAYOUT.images()]
    for cosign in (newest, PINNED):
        key = ("--key", "cosign.pub", "--insecure-ignore-tlog=true")
        assert LAYOUT.root()["digest"] in run(cosign, "verify", *key, f"{name}:1")
        for digest in images:
            for kind in PREDICATES:
                run(cosign, "verify-attestation", *key, f"--type={kind}", f"{name}@{digest}")
