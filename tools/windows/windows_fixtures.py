"""For tests: base images with documents like Microsoft's, and archives like python.org's."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.oci.assembler import layer
from tools.oci.assembler.spec import DOCKER_LIST, DOCKER_MANIFEST
from tools.packages.windows import lockfile
from tools.packages.windows.lockfile import Lock
from tools.windows import image
from tools.windows.layer import write

_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


# What an image is told, as image.py takes it.
SETTINGS: dict[str, Any] = {
    "created": "2026-08-05T00:00:00Z",
    "path": ["C:\\Python\\Scripts\\", "C:\\Python\\"],
    "system_path": ["C:\\Windows\\system32", "C:\\Windows"],
    "env": [
        ["PYTHONIOENCODING", "UTF-8"],
        ["PYTHON_VERSION", "3.14.7"],
        ["PYTHON_SHA256", "ab"],
    ],
    "cmd": ["python"],
    "shell": ["powershell", "-Command"],
    "annotations": {"org.opencontainers.image.version": "3.14.7"},
}


def digest(data: bytes) -> str:
    """The digest of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Base:
    """A base image, two layers: an installation and an update. `foreign` ones have URLs."""

    os_version: str = "10.0.26100.4652"
    system: str = "windows"
    architecture: str = "amd64"
    foreign: bool = False
    config: dict[str, Any] = field(
        default_factory=lambda: {"Cmd": ["c:\\windows\\system32\\cmd.exe"]}
    )

    @property
    def tars(self) -> list[bytes]:
        """What stands for the layers' tars."""
        return [f"{part} of {self.os_version}".encode() * 50 for part in ("system", "update")]

    @property
    def layers(self) -> list[bytes]:
        """The layers' blobs."""
        return [gzip.compress(tar, mtime=0) for tar in self.tars]

    @property
    def configuration(self) -> bytes:
        """The config document."""
        document = {
            "architecture": self.architecture,
            "config": self.config,
            "created": "2026-11-08T04:19:26.1234567Z",
            "history": [
                {"created": "2025-10-09T07:51:18Z", "created_by": "Apply image 10.0.26100.1"},
                {
                    "created": "2026-11-08T04:19:26.1234567Z",
                    "created_by": f"Install update {self.os_version}",
                },
            ],
            "os": self.system,
            "os.version": self.os_version,
            "rootfs": {"diff_ids": [digest(tar) for tar in self.tars], "type": "layers"},
        }
        return json.dumps(document).encode()

    @property
    def manifest(self) -> bytes:
        """The manifest, as Docker writes it."""
        entries = []
        for blob in self.layers:
            entry: dict[str, Any] = {
                "mediaType": FOREIGN if self.foreign else _LAYER,
                "size": len(blob),
                "digest": digest(blob),
            }
            if self.foreign:
                entry["urls"] = [f"https://layers.example/{digest(blob)}"]
            entries.append(entry)
        config = self.configuration
        document = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(config), "digest": digest(config)},
            "layers": entries,
        }
        return json.dumps(document, indent=3).encode()

    def entry(self) -> dict[str, Any]:
        """The entry of a manifest list."""
        return {
            "mediaType": DOCKER_MANIFEST,
            "size": len(self.manifest),
            "digest": digest(self.manifest),
            "platform": {
                "architecture": self.architecture,
                "os": self.system,
                "os.version": self.os_version,
            },
        }

    def lock(self, release: str = "ltsc2025") -> Lock:
        """The lock of the image."""
        return Lock(
            release=release,
            image=f"windows/servercore:{release}",
            media_type=DOCKER_MANIFEST,
            manifest=self.manifest.decode(),
            config=self.configuration.decode(),
        )

    def write_lock(self, folder: Path, release: str = "ltsc2025") -> Path:
        """Write the lock into `folder`; return its path."""
        lock = self.lock(release)
        lockfile.write(folder / lock.file, lock)
        return folder / lock.file


def manifest_list(*bases: Base) -> bytes:
    """An index of base images, as Docker writes it."""
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_LIST,
        "manifests": [base.entry() for base in bases],
    }
    return json.dumps(document, indent=3).encode()


def pip_files(launcher: bytes = b"MZ launcher") -> dict[str, bytes]:
    """What an installed pip consists of, as far as its programs are concerned."""
    return {
        "pip/__init__.py": b"",
        "pip/_internal/cli/main.py": b"def main(): ...\n",
        "pip/_vendor/distlib/t64.exe": launcher,
        "pip-26.2.dist-info/RECORD": b"pip/__init__.py,sha256=x,0\npip-26.2.dist-info/RECORD,,\n",
        "pip-26.2.dist-info/entry_points.txt": (
            b"[console_scripts]\npip = pip._internal.cli.main:main\n"
            b"pip3 = pip._internal.cli.main:main\n"
        ),
    }


def python_files(version: str = "3.14.7", program: bytes = b"MZ python") -> dict[str, bytes]:
    """What python.org's archive consists of, in short; pip is installed in it."""
    minor = "".join(version.split(".")[:2])
    return {
        "python.exe": program,
        f"python{minor}.dll": b"MZ dll",
        "LICENSE.txt": b"PSF",
        "include/patchlevel.h": f'#define PY_VERSION "{version}"\n'.encode(),
        "__install__.json": b"{}",
        "Doc/html/index.html": b"<html>",
        "Lib/os.py": b"import sys\n",
        "Lib/test/test_os.py": b"",
        **{f"Lib/site-packages/{name}": data for name, data in pip_files().items()},
    }


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write an archive with these files, and the folders that Windows' own tools list."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Lib/", b"")
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def make_image(
    folder: Path, base: Base, release: str = "ltsc2025", *options: str, **changes: Any
) -> Path:
    """Build an image with one layer of its own, as the rule does; return its layout.

    `changes` are to SETTINGS.
    """
    folder.mkdir(exist_ok=True)
    tar = folder / "python.tar"
    with tar.open("wb") as out:
        write({"Python/python.exe": b"MZ"}, 0, out)
    layer.write(tar, folder / "python.json")
    (folder / "settings.json").write_text(json.dumps(SETTINGS | changes))
    arguments = [
        f"--lock={base.write_lock(folder, release)}",
        f"--settings={folder / 'settings.json'}",
        *("--layer", str(tar), str(folder / "python.json"), "bazel build //:python", "//:python"),
        f"--output={folder / 'image'}",
        f"--digest={folder / 'digest'}",
    ]
    assert image.main([*arguments, *options]) == 0
    return folder / "image"


def make_image_of(folder: Path, files: Mapping[str, bytes], *, foreign: bool = False) -> Path:
    """Build an image with these files on C:, and the settings above; return its layout."""
    tar = folder / "python.tar"
    with tar.open("wb") as out:
        write(files, 0, out)
    layer.write(tar, folder / "python.json")
    image.build(
        Base(foreign=foreign).lock(),
        [image.Layer(tar, folder / "python.json", "", "")],
        image.Settings(**{**SETTINGS, "env": [tuple(pair) for pair in SETTINGS["env"]]}),
        folder / "layout",
    )
    return folder / "layout"
