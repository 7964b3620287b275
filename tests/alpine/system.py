"""The Alpine on the disk image: its packages put together again, a mirror of them, and its apk.

The image is in a wheel of PyPI's, named by the environment's ALPINE_DISK.
"""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from tests.alpine.ext4 import Ext4, Node
from tests.alpine.qcow2 import DiskError, Qcow2
from tests.alpine.repack import Installed, installed, repack
from tools.formats.alpine import apk_fixtures as make

KEY = make.make_key("tester-1.rsa.pub")
BRANCH = "v3.23"
ARCH = "x86_64"
# The kernel's modules are two thirds of all bytes, and in no image of ours.
LEFT_OUT = ("linux-virt",)


class RealAlpine:
    """The system on the image in a wheel, Alpine 3.23.6 for x86_64."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel

    @cached_property
    def tree(self) -> Mapping[str, Node]:
        """Everything on the disk by its path."""
        with zipfile.ZipFile(self.wheel) as archive, tempfile.TemporaryDirectory() as folder:
            names = [name for name in archive.namelist() if name.endswith(".qcow2")]
            if len(names) != 1:
                raise DiskError(f"{self.wheel}: has {len(names)} disk images")
            return Ext4(Qcow2(Path(archive.extract(names[0], folder)))).tree()

    @cached_property
    def installed(self) -> Mapping[str, Installed]:
        """What its database records, by name."""
        return installed(self.tree)

    def apk(self, name: str) -> bytes:
        """One package. DiskError for a file that isn't as recorded."""
        return repack(self.installed[name], self.tree, [KEY])

    @cached_property
    def packages(self) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
        """The packages by name, and why there are no others, by name."""
        made, missing = {}, {}
        for name in self.installed:
            if name in LEFT_OUT:
                continue
            try:
                made[name] = self.apk(name)
            except DiskError as error:
                missing[name] = str(error)
        return made, missing

    def write_mirror(self, folder: Path, changed: Mapping[str, bytes] | None = None) -> Path:
        """Make a mirror of the packages, and its key's folder beside; return the latter.

        `changed`: packages that stand for those of the same name.
        """
        made = {**self.packages[0], **(changed or {})}
        make.write_repository(folder / BRANCH / "main" / ARCH, made.values(), [KEY])
        make.write_repository(folder / BRANCH / "community" / ARCH, [], [KEY])
        keys = folder.with_name(f"{folder.name}.keys")
        keys.mkdir()
        (keys / KEY.name).write_bytes(KEY.public())
        return keys

    def write_files(self, names: Iterable[str], folder: Path) -> None:
        """Write the files of packages, as programs that can be run."""
        for name in names:
            for file in self.installed[name].files:
                node, path = self.tree[file.path], folder / file.path
                if stat.S_ISDIR(node.mode):
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                if stat.S_ISLNK(node.mode):
                    path.symlink_to(node.target)
                else:
                    path.write_bytes(node.data)
                    path.chmod(stat.S_IMODE(node.mode))


class RealApk:
    """Alpine's own apk, run on this machine: it needs no more than its libraries beside it."""

    _PACKAGES = ("apk-tools", "libapk", "libcrypto3", "libssl3", "musl", "zlib")

    def __init__(self, alpine: RealAlpine, folder: Path, words: Iterable[str]) -> None:
        """`words` go before a command that is run as root."""
        alpine.write_files(self._PACKAGES, folder)
        self._command = [
            *words, str(folder / f"lib/ld-musl-{ARCH}.so.1"),
            "--library-path", f"{folder}/lib:{folder}/usr/lib", str(folder / "sbin/apk"),
        ]  # fmt: skip

    def run(self, root: Path, *arguments: str) -> str:
        """Run apk on a root file system; return what it printed. Raise where it fails."""
        done = subprocess.run(
            [*self._command, *arguments, "--root", str(root), "--arch", ARCH, "--no-cache"],
            capture_output=True,
            check=False,
            text=True,
            env={"PATH": os.defpath},
        )
        if done.returncode:
            raise RuntimeError(f"apk {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout
