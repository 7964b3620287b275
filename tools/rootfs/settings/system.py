"""What lies below: the paths of some layers, and the few files that settings change."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path

from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry

CERTIFICATES = "etc/ssl/certs"
BUNDLE = f"{CERTIFICATES}/ca-certificates.crt"
PASSWD, SHADOW, GROUP, GSHADOW = "etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"
_READ = (BUNDLE, PASSWD, SHADOW, GROUP, GSHADOW)

_KINDS = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink"}


class System:
    """The layers below, as one: what there is at each path.

    Attributes:
        kinds: ``dir``, ``symlink`` or ``file`` of each path.
    """

    def __init__(self, layers: Iterable[Path]) -> None:
        """Read the tars of the layers, lowest first."""
        self.kinds: dict[str, str] = {}
        self._files: dict[str, Entry] = {}
        for layer in layers:
            with tarfile.open(layer) as archive:
                for member in archive:
                    path = member.name.removeprefix("./").strip("/")
                    self.kinds[path] = _KINDS.get(member.type, "file")
                    if path in _READ:
                        file = archive.extractfile(member)
                        self._files[path] = Entry(
                            "file",
                            member.mode,
                            member.uid,
                            member.gid,
                            content=b"" if file is None else file.read(),
                        )

    def file(self, path: str, remedy: str) -> Entry:
        """A file of those that settings change.

        Raises:
            RootfsError: no layer has it; the message ends in ``remedy``.
        """
        if path not in self._files:
            raise RootfsError(f"/{path}", "is in no layer below", remedy)
        return self._files[path]

    def names(self, folder: str) -> set[str]:
        """The names in a folder."""
        return {path.rpartition("/")[2] for path in self.kinds if path.rpartition("/")[0] == folder}
