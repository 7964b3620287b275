"""What isn't in a distroless image, by its layers: programs that install others, and a shell."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

import pytest

from tests.hardened.image_tree import File, files_of

PACKAGE_MANAGERS = re.compile(
    r"apk|apt|apt-.*|aptitude|conda|dnf|dpkg|dpkg-.*|easy_install.*|microdnf|npm|pip[0-9.]*|rpm|uv|yum"
)
SHELLS = re.compile(r"(ba|da|k|z)?sh|busybox|csh|fish|tcsh")
# The folder of the debug image's shell, which isn't below /usr, or "".
DEBUG = os.environ["DEBUG"]


@pytest.fixture(scope="module", name="files")
def _files() -> dict[str, File]:
    found = files_of(Path(os.environ["IMAGE"]))
    assert "usr/lib/os-release" in found
    return found


def test_there_is_no_shell(files: dict[str, File]) -> None:
    programs = {PurePosixPath(path) for path, file in files.items() if not file.is_folder}
    shells = {path for path in programs if SHELLS.fullmatch(path.name)}
    assert {str(path.parent) for path in shells} == ({DEBUG} if DEBUG else set()), shells


def test_there_is_no_package_manager(files: dict[str, File]) -> None:
    programs = [PurePosixPath(path) for path, file in files.items() if file.mode & 0o111]
    found = [path for path in programs if path.parent.name in ("bin", "sbin")]
    assert found
    assert [path for path in found if PACKAGE_MANAGERS.fullmatch(path.name)] == []
    folders = ("/ensurepip/", "/site-packages/pip/", "/lib/apt/", "/lib/dpkg/methods/")
    assert [path for path in files if any(folder in f"/{path}" for folder in folders)] == []
