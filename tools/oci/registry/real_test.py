"""Pushing to a real registry, Debian's docker-registry, and reading back with others' tools."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.oci.assembler.layout import Layout
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.push_fixtures import client_of, login, make_layout
from tools.oci.registry.real_registry import RealRegistry


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return Layout(make_layout(tmp_path_factory.mktemp("images")))


@pytest.fixture(params=[False, True], ids=["open", "auth"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealRegistry]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    registry = RealRegistry(tmp_path, auth=request.param)
    yield registry
    registry.stop()


def run_push(layout: Layout, registry: RealRegistry, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tools.oci.registry.push", "--image", str(layout.path)]
    return subprocess.Popen(
        [*command, "--repository", f"{registry.host}/team/app", *more],
        env=logged_in(registry) | {"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def skopeo_reads(name: str, digest: str, registry: RealRegistry) -> None:
    copied = registry.folder / "copy"
    subprocess.run(
        [
            *("skopeo", "copy", "--quiet", "--all", "--preserve-digests"),
            *("--src-tls-verify=false", "--src-creds", f"{USER}:{PASSWORD}"),
            *("--insecure-policy", f"docker://{name}", f"oci:{copied}:x"),
        ],
        check=True,
        env=logged_in(registry) | {"TMPDIR": str(registry.folder)},
    )
    assert Layout(copied).root()["digest"] == digest


def crane_reads(name: str, _digest: str, registry: RealRegistry) -> None:
    subprocess.run(["crane", "validate", "--remote", name], check=True, env=logged_in(registry))


READERS = {"skopeo": skopeo_reads, "crane": crane_reads}


def logged_in(registry: RealRegistry) -> dict[str, str]:
    return {**os.environ, **login(registry.folder, registry.host)}


def read_back(registry: RealRegistry, layout: Layout, tag: str) -> None:
    """Have the others' tools read the image, those that are installed."""
    for program, reads in READERS.items():
        if shutil.which(program):
            reads(f"{registry.host}/team/app:{tag}", layout.root()["digest"], registry)


@pytest.mark.parametrize("program", READERS)
def test_others_read_what_was_pushed(real: RealRegistry, layout: Layout, program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"SKIPPED: {program} is not installed here")
    assert run_push(layout, real, "--tag", "1").wait() == 0
    READERS[program](f"{real.host}/team/app:1", layout.root()["digest"], real)


def test_real_registry(real: RealRegistry, layout: Layout) -> None:
    process = run_push(layout, real, "--tag", "1", "--tag", "latest")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out == f"{real.host}/team/app@{layout.root()['digest']}\n"
    assert err.endswith("3 manifests and 2 tags; 0 were there already\n")
    process = run_push(layout, real, "--tag", "1", "--tag", "latest")
    assert "sent 0 blobs (0.0 MB), 0 manifests and 0 tags; 10 were" in process.communicate()[1]
    read_back(real, layout, "latest")


def test_real_registry_restarts(real: RealRegistry, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    layout = Layout(make_layout(tmp_path / "large", seed=7))
    real.stop()
    real.start()
    process = run_push(layout, real, "--tag", "1", "--jobs", "1", "-v")
    assert process.stderr
    # The first blob is there: the registry dies now, and comes back.
    assert "pushed" in process.stderr.readline()
    real.stop()
    time.sleep(0.3)
    real.start()
    _, err = process.communicate()
    assert process.returncode == 0, err
    read_back(real, layout, "1")


def test_real_push_killed(real: RealRegistry, layout: Layout) -> None:
    process = run_push(layout, real, "--tag", "1", "--jobs", "1")
    assert process.stderr
    first = process.stderr.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    if process.returncode == -signal.SIGKILL:
        client = client_of(real.host, environment=login(real.folder, real.host))
        assert client.manifest_digest("1", layout.root()["mediaType"]) is None
    process = run_push(layout, real, "--tag", "1")
    _, err = process.communicate()
    assert process.returncode == 0, err
    # What had arrived is not sent again.
    assert first.split()[1] not in err
    read_back(real, layout, "1")


def test_real_registry_mounts(real: RealRegistry, layout: Layout) -> None:
    process = run_push(layout, real, "--tag", "1")
    assert process.wait() == 0
    more = ["--repository", f"{real.host}/other/app", "--tag", "1", "--mount-from", "team/app"]
    process = run_push(layout, real, *more)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert err.startswith("sent 0 blobs (0.0 MB), mounted 5, 3 manifests and 1 tags; 0 were there")


# A small file system of its own for the registry, without root: in namespaces that end with it.
# A line on standard input makes room. Without type and source mount(8) would repeat the options
# uid= and gid=, an ordinary user's, which mean nothing in the namespace.
_SMALL_DISK = """
mount -t tmpfs -o size=5m none "$0" || exit
"$@" &
read -r _ && mount -t tmpfs -o remount,size=64m none "$0"
wait
"""


@pytest.fixture
def full(tmp_path: Path) -> Iterator[RealRegistry]:
    """A registry whose disk is full before all of the layers are there."""
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    namespaces = (
        *("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"),
    )
    data = tmp_path / "data"
    data.mkdir()
    probe = (*namespaces, "mount", "-t", "tmpfs", "-o", "size=5m", "none", str(data))
    if not shutil.which("unshare") or subprocess.run(probe, check=False).returncode:
        pytest.skip("SKIPPED: no user and mount namespaces are available here")
    registry = RealRegistry(
        tmp_path, wrapper=(*namespaces, "/bin/sh", "-c", _SMALL_DISK, str(data))
    )
    yield registry
    registry.stop()


def test_real_registry_disk_full(full: RealRegistry, layout: Layout) -> None:
    process = run_push(layout, full, "--tag", "1", "--jobs", "1")
    out, err = process.communicate()
    assert process.returncode == 1
    last = err.splitlines()[-1]
    assert re.match(rf"push: {full.host}/team/app: .* blob sha256:.*500.*a full disk", last), err
    assert out == ""
    client = client_of(full.host)
    assert client.manifest_digest("1", layout.root()["mediaType"]) is None
    # The disk is given more room: it goes on, and what had arrived is not sent again.
    assert full.process
    assert full.process.stdin
    full.process.stdin.write(b"\n")
    full.process.stdin.flush()
    process = run_push(layout, full, "--tag", "1")
    _, again = process.communicate()
    assert process.returncode == 0, again
    sent = [line for line in err.splitlines() if line.startswith("pushed ")]
    assert sent
    assert not set(sent) & set(again.splitlines())
    read_back(full, layout, "1")
