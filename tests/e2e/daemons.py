"""Daemons that tests start and stop, as root: each with a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

_CONTAINERD = """\
version = 2
root = "{root}/root"
state = "{root}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{root}/socket"
"""


@contextmanager
def daemon(
    folder: Path, *command: str, ready: list[str], environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A daemon, from when `ready`, which has this environment, succeeds on."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(300):
            asked = subprocess.run(ready, capture_output=True, check=False, env=environment)
            if not asked.returncode:
                break
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            process.kill()
        if process.poll() is not None:
            reason = (folder / "log").read_text(errors="replace").splitlines()[-1:]
            pytest.skip(f"SKIPPED: {command[0]} does not run here: {reason}")
        yield
    finally:
        process.terminate()
        process.wait()


def containerd_missing(*programs: str) -> str:
    """Why containerd or one of these programs is not available here; empty if there is."""
    absent = [name for name in ("containerd", "ctr", *programs) if not shutil.which(name)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    return "containerd takes root" if os.geteuid() else ""


@contextmanager
def containerd(folder: Path) -> Iterator[dict[str, str]]:
    """containerd, with all it has below `folder`; the environment that leads ctr to it.

    Its snapshots are copies, which work on every file system, below another container's, too.
    """
    (folder / "config.toml").write_text(_CONTAINERD.format(root=folder))
    environment = {
        **os.environ,
        "CONTAINERD_ADDRESS": f"{folder}/socket",
        "CONTAINERD_NAMESPACE": "test",
        "CONTAINERD_SNAPSHOTTER": "native",
    }
    command = ["containerd", f"--config={folder}/config.toml"]
    with daemon(folder, *command, ready=["ctr", "version"], environment=environment):
        yield environment
