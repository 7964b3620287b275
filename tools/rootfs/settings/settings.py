"""Computes the layer: what update-ca-certificates, useradd and a copy of files would change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tools.formats.x509 import CertificateError, subject_hash
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.settings.system import (
    BUNDLE,
    CERTIFICATES,
    GROUP,
    GSHADOW,
    PASSWD,
    SHADOW,
    System,
)
from tools.rootfs.tree import Entry

_LOCAL = "usr/local/share/ca-certificates"
_DAY = 24 * 60 * 60
_USER = r"[a-z][a-z0-9_-]{0,31}"
# 65534 is nobody; what is above means something to the kernel.
_LAST_ID = 65533


@dataclass(frozen=True)
class Settings:
    """What to add.

    Attributes:
        certificates: authorities to trust, in PEM, by name.
        users: their number, which is their group's too, by name.
        files: content and mode by absolute path.
        epoch: time of all of it, seconds since 1970.
    """

    certificates: Mapping[str, bytes] = field(default_factory=dict)
    users: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    epoch: int = 0


def compute(system: System, settings: Settings) -> dict[str, Entry]:
    """The layer's entries by path.

    Raises:
        RootfsError: a setting is malformed, or at odds with what is there.
    """
    found: dict[str, Entry] = {}
    if settings.certificates:
        _trust(system, settings, found)
    if settings.users:
        _add_users(system, settings, found)
    for path, (content, mode) in settings.files.items():
        _put(system, found, path, Entry("file", mode, content=content))
    return {path: replace(entry, mtime=settings.epoch) for path, entry in found.items()}


def _put(system: System, found: dict[str, Entry], path: str, entry: Entry) -> None:
    """Add an entry, and the folders above it that nothing has yet."""
    parts = path.split("/")
    if parts[0] or not all(parts[1:]) or {".", ".."} & set(parts):
        raise RootfsError(repr(path), "is no absolute path", "Write one such as /etc/pip.conf.")
    relative = path[1:]
    if relative in found or system.kinds.get(relative, "file") != "file":
        raise RootfsError(path, "is there already, and is no file", "Choose another path.")
    for count in range(1, len(parts) - 1):
        folder = "/".join(parts[1 : count + 1])
        kind = system.kinds.get(folder, "dir" if folder not in found else found[folder].kind)
        if kind != "dir":
            raise RootfsError(
                path,
                f"/{folder} is a {kind}, not a folder",
                "Write the path without links, such as /usr/bin for /bin.",
            )
        if folder not in system.kinds:
            found.setdefault(folder, Entry("dir", 0o755))
    found[relative] = entry


def _trust(system: System, settings: Settings, found: dict[str, Entry]) -> None:
    bundle = system.file(BUNDLE, "Lie on a layer with ca-certificates, such as trixie_amd64_slim.")
    content = bytes(bundle.content)
    names = system.names(CERTIFICATES)
    # As update-ca-certificates goes through /usr/local: sorted.
    for name, pem in sorted(settings.certificates.items()):
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            raise RootfsError(f"certificate {name!r}", "can't be a file name", "Rename the file.")
        try:
            value = subject_hash(pem)
        except CertificateError as error:
            raise RootfsError(f"certificate {name}", str(error), "Give one in PEM.") from None
        if pem.count(b"-----BEGIN") != 1:
            raise RootfsError(f"certificate {name}", "isn't one alone", "Split the file.")
        content += pem if pem.endswith(b"\n") else pem + b"\n"
        link, index = f"{name}.pem", 0
        while f"{value}.{index}" in names:
            index += 1
        names |= {link, f"{value}.{index}"}
        _put(system, found, f"/{_LOCAL}/{name}.crt", Entry("file", 0o644, content=pem))
        target = f"/{_LOCAL}/{name}.crt"
        _put(system, found, f"/{CERTIFICATES}/{link}", Entry("symlink", 0o777, target=target))
        hashed = f"/{CERTIFICATES}/{value}.{index}"
        _put(system, found, hashed, Entry("symlink", 0o777, target=link))
    found[BUNDLE] = replace(bundle, content=content)


def _taken(entry: Entry, column: int) -> set[str]:
    """A column of a file such as /etc/passwd."""
    lines = bytes(entry.content).decode().splitlines()
    return {line.split(":")[column] for line in lines if line}


def _add_users(system: System, settings: Settings, found: dict[str, Entry]) -> None:
    files = {
        path: system.file(path, "Lie on a layer with passwd, such as trixie_amd64_base.")
        for path in (PASSWD, SHADOW, GROUP, GSHADOW)
    }
    day = settings.epoch // _DAY
    for name, number in settings.users.items():
        if not re.fullmatch(_USER, name):
            raise RootfsError(f"user {name!r}", "is no name", f"Match {_USER}.")
        if not 0 < number <= _LAST_ID:
            raise RootfsError(f"user {name}", f"{number} is no number for it", "Take 1 to 65533.")
        for path in (PASSWD, GROUP):
            if name in _taken(files[path], 0) or str(number) in _taken(files[path], 2):
                raise RootfsError(
                    f"user {name}", f"/{path} has it or {number} already", "Take another."
                )
        for path, line in (
            (PASSWD, f"{name}:x:{number}:{number}::/home/{name}:/usr/sbin/nologin"),
            (SHADOW, f"{name}:!:{day}:0:99999:7:::"),
            (GROUP, f"{name}:x:{number}:"),
            (GSHADOW, f"{name}:!::"),
        ):
            content = bytes(files[path].content) + f"{line}\n".encode()
            files[path] = replace(files[path], content=content)
        home = Entry("dir", 0o700, number, number)
        _put(system, found, f"/home/{name}", home)
    found.update(files)
