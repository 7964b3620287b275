"""Shows files of the host in containers: mounted first where the engine can hand them on from."""

from pathlib import Path

from tools.sandbox import linux


class StagingError(Exception):
    """A file or directory of the host that can't be shown."""


class Staging:
    """Mount points in `folder`. All of it needs its own mount namespace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def prepare(self, *, directory: bool) -> Path:
        """An empty mount point."""
        self._count += 1
        point = self._folder / f"mount-{self._count}"
        if directory:
            point.mkdir()
        else:
            point.touch()
        return point

    def show(self, source: Path, *, read_only: bool) -> Path:
        """Where `source`, and what is mounted below it, can be mounted from."""
        try:
            point = self.prepare(directory=source.is_dir())
            mount(source, point, read_only=read_only)
        except OSError as error:
            raise StagingError(str(error)) from error
        return point


def mount(source: Path, point: Path, *, read_only: bool) -> None:
    """Mount `source` on a mount point. OSError if that can't be done."""
    linux.mount(str(source), point, flags=linux.MS_BIND | linux.MS_REC)
    if read_only:
        linux.make_read_only(point)
