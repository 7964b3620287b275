"""What scripts of Alpine's packages do, done to the tree instead."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from tools.formats.x509 import CertificateError, subject_hash
from tools.rootfs.alpine.system import System
from tools.rootfs.rootfs_error import RootfsError

_PATHS = "etc/busybox-paths.d"
_BUSYBOX = "/bin/busybox"
_CONF = "etc/ca-certificates.conf"
_CERTS = "etc/ssl/certs"
_SHIPPED = "usr/share/ca-certificates"


def busybox_links(system: System) -> None:
    """``busybox --install -s``: a link for each applet, where no package has a program.

    The applets' paths are busybox's own list of them.
    """
    tree = system.tree
    lists = tree.children(_PATHS)
    if not lists or _BUSYBOX not in tree:
        raise RootfsError(
            f"/{_PATHS}", "has no list of busybox's applets", "Review busybox's scripts."
        )
    for name in lists:
        for line in tree.read_text(f"{_PATHS}/{name}").splitlines():
            path = line.strip().lstrip("/")
            if path and path not in tree:
                tree.symlink(path, _BUSYBOX, source="busybox's applets")


def ca_certificates(system: System) -> None:
    """``update-ca-certificates``: the bundle, a link for each certificate, and links by hash."""
    tree = system.tree
    source = "ca-certificates"
    bundle = bytearray()
    hashes: dict[str, list[str]] = {}
    for line in tree.read_text(_CONF).splitlines():
        if not line or line.startswith(("#", "!")):
            continue
        path = f"{_SHIPPED}/{line}"
        pem = tree.read(path)
        # A blank line behind each, for those that end in no newline.
        bundle += pem + b"\n"
        stem = posixpath.basename(line).removesuffix(".crt")
        name = f"ca-cert-{stem}.pem".translate(str.maketrans(", ()", "__=="))
        tree.symlink(f"{_CERTS}/{name}", f"/{path}", source=source)
        try:
            hashes.setdefault(subject_hash(pem), []).append(name)
        except CertificateError as error:
            raise RootfsError(f"/{path}", str(error), "Fetch ca-certificates again.") from None
    if not bundle:
        raise RootfsError(f"/{_CONF}", "names no certificate", "Review ca-certificates' trigger.")
    tree.put(f"{_CERTS}/ca-certificates.crt", bytes(bundle), source=source)
    for value, names in hashes.items():
        for index, name in enumerate(sorted(names)):
            tree.symlink(f"{_CERTS}/{value}.{index}", name, source=source)


EFFECTS: dict[str, Callable[[System], None]] = {
    "busybox_links": busybox_links,
    "ca_certificates": ca_certificates,
}
