"""ca-certificates: the configuration, the bundle, and the links OpenSSL looks up by hash."""

from __future__ import annotations

import posixpath
import re

from tools.formats.x509 import CertificateError, subject_hash
from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.shell import heredocs_in
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_SOURCE = "ca-certificates"
_SHIPPED = "usr/share/ca-certificates"
_CERTS = "etc/ssl/certs"
_LOCAL = "usr/local/share/ca-certificates"
_CONF = "/etc/ca-certificates.conf"


def ca_certificates(system: System, script: ReviewedScript) -> None:
    """The postinst with debconf's defaults: every certificate the package knows is trusted."""
    tree = system.tree
    local = tree.get("usr/local")
    if local is not None:
        tree.mkdir(_LOCAL, source=_SOURCE, mode=local.mode, gid=local.gid)
    names = _trusted(system)
    head = heredocs_in(script.script.text)[_CONF]
    tree.put(_CONF, head + "".join(f"{name}\n" for name in names), source=_SOURCE)
    bundle: list[bytes] = []
    hashes: dict[str, list[str]] = {}
    for name in names:
        pem = tree.read(f"{_SHIPPED}/{name}")
        bundle.append(pem if pem.endswith(b"\n") else pem + b"\n")
        link = _pem_name(name)
        tree.symlink(f"{_CERTS}/{link}", f"/{_SHIPPED}/{name}", source=_SOURCE)
        try:
            hashes.setdefault(subject_hash(pem), []).append(link)
        except CertificateError as error:
            raise RootfsError(
                f"/{_SHIPPED}/{name}", str(error), "Fetch ca-certificates again."
            ) from None
    tree.put(f"{_CERTS}/ca-certificates.crt", b"".join(bundle), source=_SOURCE)
    for value, links in hashes.items():
        for index, link in enumerate(sorted(links)):
            tree.symlink(f"{_CERTS}/{value}.{index}", link, source=_SOURCE)


def _trusted(system: System) -> list[str]:
    """Names of the certificates the config script lists, which must be the ones shipped."""
    config = system.packages[_SOURCE].script("config") or ""
    match = re.search(r'^CERTS_LIST="(.*)"$', config, re.MULTILINE)
    listed = match[1].split(", ") if match else []
    shipped = {
        file.path.removeprefix(f"{_SHIPPED}/")
        for file in system.packages[_SOURCE].files
        if file.path.startswith(f"{_SHIPPED}/") and file.path.endswith(".crt")
    }
    if not listed or set(listed) != shipped:
        odd = sorted(set(listed) ^ shipped)
        raise RootfsError(
            "ca-certificates",
            f"its config script lists other certificates than it ships: {', '.join(odd)}",
            "Compare the script with tools/rootfs/debian/effects/ca_certificates.py.",
        )
    return sorted(listed, key=lambda name: name.encode("utf-8"))


def _pem_name(name: str) -> str:
    """The link's name update-ca-certificates derives from a certificate's."""
    stem = posixpath.basename(name).removesuffix(".crt").replace(" ", "_")
    return stem.replace(",", "_").translate({ord("("): "=", ord(")"): "="}) + ".pem"
