"""Builds against remote services: what they ran, and what they made."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import execution_log
from tests.e2e.roles import SUITE
from tools.testing.checkout import Checkout, Result

BASE = f"//images/debian:{SUITE}-slim_amd64"
BASE_LAYOUT = f"images/debian/{SUITE}-slim_amd64"
READ = "--config=remote-cache"
WRITE = "--config=remote-cache-write"
NO_DISK = ["--disk_cache="]


@dataclass(frozen=True)
class Build:
    """One build: how it ended, and its actions."""

    result: Result
    spawns: list[execution_log.Spawn]

    @property
    def ran(self) -> list[str]:
        """What was not taken from a cache: mnemonic and label of each action."""
        return [f"{spawn.mnemonic} {spawn.label}" for spawn in self.spawns if not spawn.cached]


def build(
    checkout: Checkout,
    targets: list[str],
    *flags: str,
    environment: Mapping[str, str] | None = None,
    umask: int = -1,
    succeeds: bool = True,
) -> Build:
    """Build from scratch, but for caches the flags name; AssertionError if it ends otherwise."""
    log = checkout.path.parent / "execution.json"
    log.unlink(missing_ok=True)
    checkout.bazel("clean", environment=environment, umask=umask)
    result = checkout.bazel(
        "build",
        f"--execution_log_json_file={log}",
        *flags,
        *targets,
        environment=environment,
        umask=umask,
    )
    assert (result.status == 0) == succeeds, result.output
    return Build(result, execution_log.read(log) if log.exists() else [])


def tree_digest(checkout: Checkout, folder: str) -> str:
    """Return a digest over all names and bytes in a folder below bazel-bin."""
    top = checkout.path / "bazel-bin" / folder
    digest = hashlib.sha256()
    files = sorted(path for path in top.rglob("*") if path.is_file())
    assert files, f"{top} has no files"
    for file in files:
        with file.open("rb") as content:
            inner = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(f"{file.relative_to(top)} {inner}\n".encode())
    return digest.hexdigest()


def layers(layout: Path) -> list[str]:
    """Return the digests of an image's layers, in hexadecimal, lowest first."""

    def blob(descriptor: dict[str, str]) -> Path:
        return layout / "blobs" / descriptor["digest"].replace(":", "/")

    (manifest,) = json.loads((layout / "index.json").read_text())["manifests"]
    found = json.loads(blob(manifest).read_text())["layers"]
    return [layer["digest"].partition(":")[2] for layer in found]


def runfile(variable: str) -> Path:
    """Return the absolute path of the runfile that an environment variable names."""
    return Path(os.environ[variable]).absolute()
