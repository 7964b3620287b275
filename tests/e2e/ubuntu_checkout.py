"""A checkout that has to lock noble, and a mirror on the loopback that it can lock from."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.ubuntu_mirror import Edit, Packages, write_mirror
from tools.packages.debian.archive_fixtures import Signer
from tools.testing.checkout import Checkout, scratch

ARCHS = ("amd64", "arm64")
LOCK = ("run", "//tools:lock", "--", "noble")


def files(variable: str) -> list[Path]:
    """Runfiles that a variable of the test lists, .debs of them, one of each name."""
    paths = [Path(word).resolve() for word in os.environ.get(variable, "").split()]
    return list({path.name: path for path in paths if path.suffix == ".deb"}.values())


class Mirror:
    """What serves both halves, and the paths that were asked for."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self.folder, self.signer = folder, signer
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                asked.append(self.path)

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(Handler, directory=str(folder))
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def options(self) -> list[str]:
        """The lock command's, for both halves."""
        return [f"--mirror={self.url}/ubuntu", f"--ports-mirror={self.url}/ubuntu-ports"]

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def served(top: Path, edits: Mapping[str, Edit]) -> Iterator[Mirror]:
    """The mirror, made below `top` of the packages that the test was given.

    `edits` are as in write_mirror. Skips the test where the machine can't make one.
    """
    for program in ("apt-get", "gpg", "gpgv"):
        if not shutil.which(program):
            pytest.skip(f"SKIPPED: {program} is not installed here")
    signer = Signer(top / "g")
    keyring = files("KEYRING_DEB")
    packages = {
        arch: Packages([*files(f"IMAGE_{arch.upper()}"), *keyring], files(f"TOOLS_{arch.upper()}"))
        for arch in ARCHS
    }
    assert len(packages["arm64"].image) > 70
    write_mirror(top / "m", packages, signer, edits)
    running = Mirror(top / "m", signer)
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def unlocked(name: str) -> Iterator[Checkout]:
    """A checkout without locks of Ubuntu's, for two platforms and Debian's compilers."""
    with scratch(name, ["--noshow_progress"]) as copy:
        for lock in (copy.path / "third_party/ubuntu").rglob("*.lock"):
            lock.unlink()
        catalog = copy.path / "catalog/ubuntu.yaml"
        text, _, _ = catalog.read_text().partition("\n  jammy:")
        text = re.sub(r"platforms: \[.*\]", "platforms: [amd64, arm64]", text)
        text = re.sub(r"        (?!amd64|arm64)\w+: -.*\n", "", text)  # build_flags.platforms
        text = re.sub(r"      cc_(?!amd64|arm64)\w+:(?: \[.*\]|(?:\n +- .*)+)\n?", "", text)
        catalog.write_text(text.replace("-13", "-14") + "\n")
        yield copy


def lock_suite(checkout: Checkout, mirror: Mirror) -> None:
    """Locks the suite for all of ARCHS, from the mirror."""
    done = checkout.bazel(*LOCK, *mirror.options(), f"--keyring={mirror.signer.keyring}")
    assert done.status == 0, done.output
    for arch in ARCHS:
        assert f"third_party/ubuntu/noble_{arch}.lock: written" in done.output
        assert f"third_party/ubuntu/build/noble_{arch}.lock: written" in done.output
