"""Which certificates are trusted: the machine's own store, and what certs.d has for a host."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tools.net.net_errors import PolicyError
from tools.net.origin import Origin

# Where distributions keep their trust store, for an OpenSSL built for another one.
TRUST_STORES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
# Where docker and podman look for a registry's certificates, in a folder named HOST[:PORT]:
# containers-certs.d(5), docs.docker.com/engine/security/certificates.
CERTS_D: Final = ("/etc/containers/certs.d", "/etc/docker/certs.d")
_IN_HOME: Final = (".config/containers/certs.d", ".config/docker/certs.d")


def context_for(
    target: Origin, environment: Mapping[str, str], *, insecure: bool = False
) -> ssl.SSLContext:
    """Return the TLS settings for an origin; with `insecure` nothing is checked.

    SSL_CERT_FILE and SSL_CERT_DIR stand for the machine's store. Of a folder in certs.d *.crt are
    authorities, *.cert with *.key what to show of oneself. PolicyError names a broken file.
    """
    context = ssl.create_default_context()
    named = environment.get("SSL_CERT_FILE")
    if named:
        _load(context, Path(named))
    elif not environment.get("SSL_CERT_DIR") and not context.cert_store_stats()["x509_ca"]:
        store = next((Path(path) for path in TRUST_STORES if Path(path).is_file()), None)
        if store:
            _load(context, store)
    if folder := environment.get("SSL_CERT_DIR"):
        context.load_verify_locations(capath=folder)
    for path in _of_host(target, environment):
        _load(context, path)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _of_host(target: Origin, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files of the target's folders in certs.d that are to be loaded."""
    roots = [Path(root) for root in CERTS_D]
    if home := environment.get("HOME"):
        roots += [Path(home, root) for root in _IN_HOME]
    host = f"[{target.host}]" if ":" in target.host else target.host
    for root in roots:
        for name in dict.fromkeys((target.authority, f"{host}:{target.port}")):
            folder = root / name
            if folder.is_dir():
                yield from sorted(folder.glob("*.crt"))
                yield from sorted(folder.glob("*.cert"))


def _load(context: ssl.SSLContext, path: Path) -> None:
    try:
        if path.suffix == ".cert":
            context.load_cert_chain(path, path.with_suffix(".key"))
        else:
            context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise PolicyError(f"{path}: can't be used as a certificate: {error}") from None
