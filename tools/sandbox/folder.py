"""The work folder of containers, and the mount namespace in which they are made."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.sandbox import emulation, linux, staging, user_namespace
from tools.sandbox.inside import Mount


@dataclass(frozen=True)
class Shown:
    """A file or directory of this machine that every container shows at an absolute path."""

    source: Path
    target: str
    read_only: bool = True


@dataclass
class Folder:
    """The work folder, made ready before containers are, for the id that will own it."""

    path: Path
    _owner: int
    mount_points: list[Path] = field(default_factory=list)

    def make(self, shown: Sequence[Shown]) -> None:
        """Make what is mounted on while the process that mounts has no rights to it yet."""
        points = staging.Staging(self.path)
        self._give(self.path)
        for name in ("binfmt_misc", "containers"):
            (self.path / name).mkdir()
            self._give(self.path / name)
        for item in shown:
            point = points.prepare(directory=item.source.is_dir())
            self._give(point)
            self.mount_points.append(Path(point.name))

    def _give(self, path: Path) -> None:
        if self._owner != os.geteuid():
            os.chown(path, self._owner, self._owner)

    def enter_mounts(
        self, shown: Sequence[Shown], platform: str, emulator: Path | None
    ) -> tuple[list[Mount], str | None]:
        """A mount namespace with what all containers share; then only its root is left.

        The current directory is the folder. The second part of the result is why programs of the
        platform are not emulated, or None. OSError if there are no mounts available.
        """
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        mounts = []
        for item, point in zip(shown, self.mount_points, strict=True):
            staging.mount(item.source, point, read_only=item.read_only)
            mounts.append(Mount(point, item.target))
        problem = emulation.enable(platform, emulator, Path("binfmt_misc"))
        user_namespace.become_root()
        return mounts, problem
