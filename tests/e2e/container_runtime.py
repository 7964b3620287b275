"""podman, buildah and skopeo with a store and settings of their own, for tests as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("buildah", "podman", "runc", "skopeo")
# Works without systemd, without delegated cgroups and without a network plug-in.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
_STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{root}/graph"
runroot = "{root}/run"
"""
_POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'


def missing() -> str:
    """Why there is no container runtime available here; empty if there is one."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "podman with runc needs root here"
    return ""


@dataclass(frozen=True)
class Runtime:
    """A container store below `root` and the programs that work on it."""

    root: Path

    def call(self, *command: str, status: int = 0, timeout: int = 600) -> str:
        """Run a program; its standard output. AssertionError if it ends otherwise."""
        done = self.attempt(*command, timeout=timeout)
        shown = f"{' '.join(command)}\nstatus {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == status, shown
        return done.stdout

    def attempt(self, *command: str, timeout: int = 600) -> subprocess.CompletedProcess[str]:
        """Run a program, however it ends."""
        environment = {
            **os.environ,
            "CONTAINERS_CONF": str(self.root / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.root / "storage.conf"),
        }
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def load(self, layout: Path, name: str) -> str:
        """Copy an OCI layout's image into the store; its reference there."""
        target = f"localhost/{name}"
        self.call(
            "skopeo",
            "--insecure-policy",
            "copy",
            "-q",
            f"oci:{layout}",
            f"containers-storage:{target}",
        )
        return target

    def build(self, context: Path, name: str, options: tuple[str, ...] = ()) -> str:
        """Build the Dockerfile in `context` with buildah; the new image's reference."""
        target = f"localhost/{name}"
        self.call(*self.build_command(context, target, options))
        return target

    def build_command(
        self, context: Path, target: str, options: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """What builds the Dockerfile in `context` as the image `target`."""
        policy = f"--signature-policy={self.root / 'policy.json'}"
        own = (policy, "--pull=never", "--tag", target)
        return ("buildah", "build", *own, *options, str(context))

    def run(self, image: str, *command: str, options: tuple[str, ...] = (), status: int = 0) -> str:
        """Run a command, or the image's own, in a new container; its standard output."""
        return self.call("podman", "run", "--rm", *options, image, *command, status=status)


@contextmanager
def container_runtime(root: Path) -> Iterator[Runtime]:
    """A Runtime below the empty folder `root`; nothing of it is left afterwards."""
    (root / "containers.conf").write_text(_CONTAINERS_CONF)
    (root / "storage.conf").write_text(_STORAGE_CONF.format(root=root))
    (root / "policy.json").write_text(_POLICY)
    runtime = Runtime(root)
    try:
        yield runtime
    finally:
        runtime.call("podman", "rm", "--all", "--force")
        runtime.call("podman", "rmi", "--all", "--force")
        # Mounts that a killed run left would make the removal fail, or worse.
        runtime.call("podman", "system", "reset", "--force")
        shutil.rmtree(root / "graph", ignore_errors=True)
