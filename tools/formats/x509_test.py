from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.formats.certificate_fixtures import HASH, PEM
from tools.formats.x509 import CertificateError, subject_hash


def test_subject_hash() -> None:
    assert subject_hash(PEM.encode()) == HASH
    assert subject_hash(b"words before\n" + PEM.encode().replace(b"\n", b"\r\n")) == HASH


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        PEM.encode().replace(b"BEGIN", b"START"),
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n",
    ],
)
def test_damaged_certificates(pem: bytes) -> None:
    with pytest.raises(CertificateError):
        subject_hash(pem)


def test_hashes_agree_with_openssl() -> None:
    """All certificates of this machine, where there are some and openssl."""
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if shutil.which("openssl") is None or not bundle.exists():
        pytest.skip("needs openssl and a bundle of certificates")
    end = b"-----END CERTIFICATE-----\n"
    certificates = [part + end for part in bundle.read_bytes().split(end) if b"BEGIN" in part]
    assert certificates
    for pem in certificates[:40]:
        done = subprocess.run(
            ["openssl", "x509", "-noout", "-subject_hash"],
            input=pem,
            capture_output=True,
            check=True,
        )
        assert subject_hash(pem) == done.stdout.decode().strip()
