"""The host's certificate authorities as a Java trust store, made without keytool.

The format is JKS version 2: big-endian header, one trusted-certificate entry per authority, and a
SHA-1 over a password, a fixed salt and everything before. (Java's certificates are public, so the
password protects nothing; it is Java's customary default.)
"""

from __future__ import annotations

import hashlib
import os
import struct

from tools.bootstrap.common import BootstrapError, write_atomically

PASSWORD = "changeit"  # noqa: S105 (see above)
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

_MAGIC = 0xFEEDFEED
_VERSION = 2
_TRUSTED_CERTIFICATE = 2
_SALT = b"Mighty Aphrodite"
_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"


def certificates(pem: str) -> list[bytes]:
    """The DER certificates of a PEM bundle, in order, each once. Raises ValueError on bad PEM."""
    import base64

    found: list[bytes] = []
    for part in pem.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        if not end:
            raise ValueError("a certificate has no end line")
        der = base64.b64decode("".join(body.split()), validate=True)
        if der not in found:
            found.append(der)
    return found


def jks(ders: list[bytes]) -> bytes:
    """A JKS trust store with these certificates; the same bytes for the same certificates."""
    out = struct.pack(">III", _MAGIC, _VERSION, len(ders))
    for number, der in enumerate(ders):
        out += struct.pack(">I", _TRUSTED_CERTIFICATE) + _utf(f"ca-{number}")
        out += struct.pack(">Q", 0)  # entry date, milliseconds since 1970: nobody looks at it
        out += _utf("X.509") + struct.pack(">I", len(der)) + der
    keyed = PASSWORD.encode("utf-16-be") + _SALT + out
    return out + hashlib.sha1(keyed).digest()  # noqa: S324 (the format's)


def host_bundle() -> str | None:
    """The host's PEM bundle: $SSL_CERT_FILE as for OpenSSL, else Debian's; None without either."""
    path = os.environ.get("SSL_CERT_FILE", "")
    if path:
        if not os.path.isfile(path):
            raise BootstrapError(f"SSL_CERT_FILE={path}: no such file; correct or unset it")
        return path
    return BUNDLE if os.path.isfile(BUNDLE) else None


def ensure(directory: str) -> str | None:
    """The path of a trust store that equals the host's bundle as it is now, made when missing.

    It is named by the bundle's hash: when the bundle changes, so does Bazel's command line, and its
    server restarts with the new one. None on a host without a bundle.
    """
    bundle = host_bundle()
    if bundle is None:
        return None
    with open(bundle, "rb") as source:
        pem = source.read()
    path = os.path.join(directory, hashlib.sha256(pem).hexdigest()[:16] + ".jks")
    if not os.path.exists(path):
        try:
            ders = certificates(pem.decode("utf-8", "replace"))
        except ValueError as error:
            raise BootstrapError(f"{bundle}: not a PEM certificate bundle: {error}") from error
        if not ders:
            raise BootstrapError(f"{bundle}: no certificate in it; reinstall ca-certificates")
        write_atomically(path, jks(ders))
    return path


def _utf(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")
