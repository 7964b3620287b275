"""--config=remote: every action runs on a worker that has nothing but the action's inputs.

BuildGrid, PostgreSQL and a BuildBox worker run on the loopback; the worker's sandbox has the
inputs and /bin/sh (tests/e2e/buildgrid_server.py). By default: a Debian image, the compiler at
work on a small program, and an image, for which CPython's compilation comes from the disk cache
that .ci/run has filled, if there is one. With WHOLE=1 (remote_execution_image_test) it is done
there, too.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import debian_servers
from tests.e2e.buildgrid_server import execution_service
from tests.e2e.remote_builds import BASE, BASE_LAYOUT, Build, build, runfile, tree_digest
from tests.e2e.roles import MINOR, SUITE
from tools.testing.checkout import Checkout, scratch, scratch_root

LAUNCHER = "//toolchains/cc:launcher"  # gcc's own cc1, as and ld on one file of C
LAUNCHER_FILE = "toolchains/cc/launcher"
IMAGE = f"//images:{MINOR}-slim-{SUITE}_amd64"
COMPILED = ("BuildPython", "CompileCPython")
WHOLE = os.environ.get("WHOLE") == "1"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    # The worker lays out an action's inputs in a file system of its own.
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("SKIPPED: this user may not open /dev/fuse")
    programs = debian_servers.unpacked()
    folder = scratch_root() / f"remote-execution-servers.{os.getpid()}"
    try:
        with execution_service(folder, programs, runfile("BUILDGRID")) as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("remote-execution", ["--disk_cache="]) as copy:
        yield copy


def remotely(checkout: Checkout, service: str, *targets: str, succeeds: bool = True) -> Build:
    """Build on the worker; nothing is taken from its cache, so that all of it runs."""
    flags = ["--config=remote", f"--remote_executor={service}", "--noremote_accept_cached"]
    return build(checkout, list(targets), *flags, succeeds=succeeds)


def test_a_worker_makes_what_this_machine_makes(checkout: Checkout, service: str) -> None:
    # With an empty cache: without one, Bazel computes no keys.
    here = build(checkout, [BASE, LAUNCHER], f"--disk_cache={checkout.path.parent / 'disk'}")
    assert {spawn.runner for spawn in here.spawns} == {"linux-sandbox"}
    program = (checkout.path / "bazel-bin" / LAUNCHER_FILE).read_bytes()
    image = tree_digest(checkout, BASE_LAYOUT)

    there = remotely(checkout, service, BASE, LAUNCHER)
    assert {spawn.runner for spawn in there.spawns} == {"remote"}
    kinds = {spawn.mnemonic for spawn in there.spawns}
    assert kinds >= {"BuildLauncher", "DebianLayer", "OCIImage"}
    assert (checkout.path / "bazel-bin" / LAUNCHER_FILE).read_bytes() == program
    assert tree_digest(checkout, BASE_LAYOUT) == image
    # Who only reads the service's cache finds what the worker made: the keys are the same.
    assert {spawn.key for spawn in there.spawns} == {spawn.key for spawn in here.spawns}
    flags = ["--config=remote-cache", f"--remote_cache={service}"]
    reading = build(checkout, [BASE, LAUNCHER], *flags)
    assert reading.ran == []


def test_what_fails_on_the_worker_says_why_here(checkout: Checkout, service: str) -> None:
    with checkout.changed("toolchains/trees/launcher.c", "typedef", "#error not today\ntypedef"):
        done = remotely(checkout, service, LAUNCHER, succeeds=False)
    assert "not today" in done.result.output


def test_an_action_does_not_fall_back_to_this_machine(checkout: Checkout) -> None:
    done = remotely(checkout, "grpc://127.0.0.1:1", BASE, succeeds=False)
    assert "Failed to query remote execution capabilities" in done.result.output
    assert not any(spawn.runner == "linux-sandbox" for spawn in done.spawns)


def test_an_image_is_assembled_on_the_worker(checkout: Checkout, service: str) -> None:
    if WHOLE:
        done = remotely(checkout, service, f"{IMAGE}.digest")
    else:
        # Only CPython's compilation may come from a cache. To travel from there to the worker
        # its result has to be fetched first.
        done = build(
            checkout,
            [f"{IMAGE}.digest"],
            "--config=remote",
            f"--remote_executor={service}",
            f"--disk_cache={scratch_root().parent / 'disk'}",
            f"--modify_execution_info=^(?!({'|'.join(COMPILED)})$).*=+no-cache",
            "--remote_download_outputs=all",
        )
    count = Counter((spawn.mnemonic, spawn.runner) for spawn in done.spawns)
    print(f"{len(done.spawns)} actions: {dict(count)}")
    compiled = {spawn.runner for spawn in done.spawns if spawn.mnemonic in COMPILED}
    assert compiled == {"remote"} or (compiled == {"disk cache hit"} and not WHOLE)
    others = {spawn.runner for spawn in done.spawns if spawn.mnemonic not in COMPILED}
    assert others == {"remote"}
    (digest,) = checkout.output(f"{IMAGE}.digest")
    assert digest.read_text() == Path(os.environ["DIGEST"]).read_text()
