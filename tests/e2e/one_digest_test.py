"""One digest for one input: in this workspace, as a dependency, and under another name.

REAL_REGISTRY names a folder whose `bazelrc` has Bazel use a registry of real modules, in which
rules_oci isn't the stand-in (--registry=..., --override_repository=... for what it downloads). With
it, the same digests have to come out, and images of others upon ours have to pass their tests.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.testing.checkout import Checkout, dependent, scratch

TINY = "python_images/tests/tiny"
NAMES = ("amd64", "arm64", "tiny")


@dataclasses.dataclass(frozen=True)
class Worlds:
    """Workspaces by name, each with the repository in which TINY lies for it."""

    main: Checkout
    launcher: str

    def workspace(self, name: str) -> Checkout:
        """Return a workspace that depends on python_images and calls it `name`."""
        made = dependent(self.main, self.main.path / f"as_{name}", name)
        options = self.main.path / "tests/e2e/consumer/.bazelrc"
        (made.path / ".bazelrc").write_bytes(options.read_bytes())
        write_launcher(made.path / "bazelw", self.launcher)
        return made


def write_launcher(path: Path, command: str) -> None:
    """Write a script that runs Bazel."""
    path.unlink(missing_ok=True)
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


def real_launcher(main: Checkout, folder: str) -> str:
    """Return the provisioned Bazel's command, with the bazelrc of `folder` for the closed one."""
    where = subprocess.run(
        [main.path / "bazelw", "--bazelw-where"], capture_output=True, text=True, check=True
    )
    (line,) = [line for line in where.stdout.splitlines() if line.startswith("command ")]
    words = [word for word in shlex.split(line)[1:] if not word.startswith("--bazelrc=")]
    return shlex.join([*words, f"--bazelrc={Path(folder).resolve() / 'bazelrc'}"])


@pytest.fixture(scope="module")
def worlds() -> Iterator[Worlds]:
    with scratch("one_digest") as copy:
        yield Worlds(copy, str(copy.path / "bazelw"))


@pytest.fixture(scope="module")
def real_worlds() -> Iterator[Worlds]:
    folder = os.environ.get("REAL_REGISTRY")
    if not folder:
        pytest.skip("SKIPPED: REAL_REGISTRY names no registry with the real rules_oci")
    with scratch("one_digest_real") as copy:
        launcher = real_launcher(copy, folder)
        write_launcher(copy.path / "bazelw", launcher)
        yield Worlds(copy, launcher)


def digests(checkout: Checkout, repository: str) -> list[str]:
    """Build TINY's images in a workspace; return their digests in the order of NAMES."""
    labels = [f"{repository}//{TINY}:{name}.digest" for name in NAMES]
    result = checkout.bazel("build", *labels)
    assert result.status == 0, result.errors
    found = [file.read_text().strip() for label in labels for file in checkout.output(label)]
    assert len(found) == len(set(found)) == len(NAMES)
    assert all(digest.startswith("sha256:") for digest in found)
    return found


def all_digests(worlds: Worlds) -> dict[str, list[str]]:
    """Return the digests by what the module is."""
    return {
        "main": digests(worlds.main, ""),
        **{
            name: digests(worlds.workspace(name), f"@{name}") for name in ("python_images", "other")
        },
    }


def test_whoever_builds(worlds: Worlds) -> None:
    found = all_digests(worlds)
    assert found["python_images"] == found["main"]
    assert found["other"] == found["main"]


def test_whichever_rules_oci_there_is(real_worlds: Worlds, worlds: Worlds) -> None:
    expected = digests(worlds.main, "")
    for name, found in all_digests(real_worlds).items():
        assert found == expected, name


def test_the_real_rules_oci_builds_upon_ours(real_worlds: Worlds) -> None:
    result = real_worlds.main.bazel("test", "//python_images/tests/oci:all")
    assert result.status == 0, result.errors
