from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.formats.x509 import CertificateError, subject_hash

# A certificate made for this test: C=DE, O="  Ein   BEISPIEL  ", OU=Übung, CN=Test Root CA, so that
# blanks, case and letters beyond ASCII have to be brought to OpenSSL's canonical form.
PEM = """\
-----BEGIN CERTIFICATE-----
MIIB6DCCAY6gAwIBAgIBATAKBggqhkjOPQQDAjBSMQswCQYDVQQGEwJERTEbMBkG
A1UECgwSICBFaW4gICBCRUlTUElFTCAgMQ8wDQYDVQQLDAbDnGJ1bmcxFTATBgNV
BAMMDFRlc3QgUm9vdCBDQTAgFw0yNjExMjAxMjA2NTdaGA8yMTI2MTAyNzEyMDY1
N1owUjELMAkGA1UEBhMCREUxGzAZBgNVBAoMEiAgRWluICAgQkVJU1BJRUwgIDEP
MA0GA1UECwwGw5xidW5nMRUwEwYDVQQDDAxUZXN0IFJvb3QgQ0EwWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAATsRAtwBBJr2iRNwhZV+Pj2kMLG72qqrgNCf6+SfBxo
hnNLYPV0ck3TFTwwlF0as+okeahhG6H0skJppvsGQOego1MwUTAdBgNVHQ4EFgQU
n+YLVP7X3HACajLS0YCqjgnGBx4wHwYDVR0jBBgwFoAUn+YLVP7X3HACajLS0YCq
jgnGBx4wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAsURmO/yWS
86ayWK3Mvwi3vuQU1XP9RYgbdgRpzWEutAIhAP7GoDwbLZrokWEG6sUiHLll3gdW
Fe+4Nc7EOEZo6S0B
-----END CERTIFICATE-----
"""
# openssl x509 -noout -subject_hash
HASH = "3613d01a"


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
