"""The generated Dockerfile makes what the Bazel target makes.

buildah builds it, without changing a line, on our own image in place of debian:<suite>-slim, with
the locked source from a loopback server. The resulting tree is compared path by path, and the
configuration field by field, with the image of the same name; dockerfile_allow.txt lists and
explains what may differ.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.container_runtime import Runtime, container_runtime, missing
from tests.oracle.compare import Node, differences, read_allowed
from tools.packages.debian.mirrors import find_mirrors

BASE = Path(os.environ["BASE"]).resolve()
IMAGE = Path(os.environ["IMAGE"]).resolve()
SOURCE = Path(os.environ["SOURCE"]).resolve()
DOCKERFILE = Path(os.environ["DOCKERFILE"])
ALLOWED = Path(__file__).parent / "dockerfile_allow.txt"

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

_SOURCES = """\
Types: deb
URIs: {main}
Suites: {suite} {suite}-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: {security}
Suites: {suite}-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; its address."""
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def instruction(name: str) -> str:
    """What the Dockerfile's first instruction of that name says."""
    return next(
        line.partition(" ")[2].strip()
        for line in DOCKERFILE.read_text().splitlines()
        if line.startswith(f"{name} ")
    )


def version() -> str:
    lines = DOCKERFILE.read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("ENV PYTHON_VERSION="))


@pytest.fixture(scope="module", name="runtime")
def _runtime() -> Iterator[Runtime]:
    with (
        tempfile.TemporaryDirectory(prefix="dockerfile-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as made,
    ):
        yield made


@pytest.fixture(scope="module", name="built")
def _built(runtime: Runtime) -> str:
    """The image buildah makes of the Dockerfile."""
    base = instruction("FROM")
    runtime.call(
        "skopeo",
        "--insecure-policy",
        "copy",
        "-q",
        f"oci:{BASE}",
        f"containers-storage:localhost/{base}",
    )
    suite = base.rpartition(":")[2].removesuffix("-slim")
    mirror = find_mirrors()[0]
    with tempfile.TemporaryDirectory() as folder:
        web = Path(folder, "web")
        release = web / version()
        release.mkdir(parents=True)
        shutil.copyfile(SOURCE, release / f"Python-{version()}.tar.xz")
        context = Path(folder, "context")
        context.mkdir()
        shutil.copyfile(DOCKERFILE, context / "Dockerfile")
        sources = Path(folder, "debian.sources")
        sources.write_text(_SOURCES.format(main=mirror.main, security=mirror.security, suite=suite))
        with serve(web) as address:
            runtime.call(
                "buildah",
                "build",
                f"--signature-policy={runtime.root / 'policy.json'}",
                "--pull=never",
                f"--from=localhost/{base}",
                "--isolation=chroot",
                "--network=host",
                # This machine's mirror instead of the image's.
                f"--volume={sources}:/etc/apt/sources.list.d/debian.sources:ro",
                f"--build-arg=PYTHON_SOURCE={address}",
                # As the Bazel target is built by default.
                "--build-arg=PYTHON_OPTIMIZATION=",
                "--tag=localhost/from-dockerfile",
                str(context),
                timeout=3 * 3600,
            )
    return "localhost/from-dockerfile"


@pytest.fixture(scope="module", name="target")
def _target(runtime: Runtime) -> str:
    return runtime.load(IMAGE, "from-bazel")


# buildah mounts its own over these while it runs a command, and leaves empty files in their place.
_ENGINES_OWN = {"etc/hostname", "etc/hosts", "etc/resolv.conf"}


def node(path: Path) -> Node:
    """A path of a mounted image as it is compared."""
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Node("symlink", 0o777, status.st_uid, status.st_gid, str(path.readlink()), b"")
    if stat.S_ISDIR(status.st_mode):
        return Node("dir", mode, status.st_uid, status.st_gid, "", b"")
    return Node("file", mode, status.st_uid, status.st_gid, "", path.read_bytes())


def tree(runtime: Runtime, image: str) -> dict[str, Node]:
    """Every path of an image."""
    container = runtime.call("buildah", "from", "--pull-never", image).strip()
    root = Path(runtime.call("buildah", "mount", container).strip())
    try:
        found = {path.relative_to(root).as_posix(): path for path in root.rglob("*")}
        return {name: node(path) for name, path in found.items() if name not in _ENGINES_OWN}
    finally:
        runtime.call("buildah", "umount", container)
        runtime.call("buildah", "rm", container)


def packages(nodes: dict[str, Node]) -> dict[str, str]:
    """Installed packages and their versions."""
    found: dict[str, str] = {}
    for stanza in nodes["var/lib/dpkg/status"].content.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line)
        if fields:
            found[fields["Package"]] = fields["Version"]
    return found


def config(runtime: Runtime, image: str) -> dict[str, Any]:
    """What a container of the image starts with."""
    inspected = json.loads(runtime.call("podman", "image", "inspect", image))[0]["Config"]
    keys = ("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "ExposedPorts", "Volumes")
    return {key: inspected.get(key) or None for key in keys}


def test_the_configuration_is_the_same(runtime: Runtime, built: str, target: str) -> None:
    assert config(runtime, built) == config(runtime, target)


def test_the_tree_is_the_same(runtime: Runtime, built: str, target: str) -> None:
    ours, theirs = tree(runtime, target), tree(runtime, built)
    mine, others = packages(ours), packages(theirs)
    assert set(mine) == set(others)
    moved = {name for name in mine if mine[name] != others[name]}
    if moved:
        pytest.skip(
            f"the mirror is ahead of the lock, run //tools:lock: {', '.join(sorted(moved))}"
        )
    allowed = read_allowed(ALLOWED)
    found = differences(ours, theirs, allowed)
    assert not found, f"{len(found)} differences\n" + "\n".join(found)
    unused = [
        f"{ALLOWED.name}:{entry.line}: {entry.pattern}" for entry in allowed if not entry.used
    ]
    assert not unused, "allowed, but not so:\n" + "\n".join(unused)
