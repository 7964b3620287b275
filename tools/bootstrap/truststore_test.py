import base64
import hashlib
import struct
from pathlib import Path

import pytest

from tools.bootstrap import truststore
from tools.bootstrap.common import BootstrapError


def pem(*ders: bytes) -> str:
    return "# bundle\n" + "".join(
        "-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(der).decode()
        + "-----END CERTIFICATE-----\n"
        for der in ders
    )


def test_certificates_in_order_and_once() -> None:
    assert truststore.certificates(pem(b"two" * 40, b"one", b"one")) == [b"two" * 40, b"one"]


def test_damaged_bundles() -> None:
    with pytest.raises(ValueError, match="no end line"):
        truststore.certificates("-----BEGIN CERTIFICATE-----\nAAAA\n")
    with pytest.raises(ValueError):
        truststore.certificates(pem(b"one").replace("b25l", "b2*l"))


def test_every_byte_of_a_store() -> None:
    entry = (
        struct.pack(">IH", 2, 4) + b"ca-0" + bytes(8) + struct.pack(">H", 5) + b"X.509"
        + struct.pack(">I", 3) + b"der"
    )  # fmt: skip
    body = bytes.fromhex("feedfeed 00000002 00000001") + entry
    digest = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + body).digest()
    assert truststore.jks([b"der"]) == body + digest


def test_store_follows_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(pem(b"one"))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    first = truststore.ensure(str(tmp_path / "store"))
    assert first is not None
    assert Path(first).read_bytes() == truststore.jks([b"one"])
    assert truststore.ensure(str(tmp_path / "store")) == first
    bundle.write_text(pem(b"one", b"two"))
    second = truststore.ensure(str(tmp_path / "store"))
    assert second is not None
    assert second != first
    assert Path(second).read_bytes() == truststore.jks([b"one", b"two"])


def test_unusable_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with pytest.raises(BootstrapError, match="no such file"):
        truststore.ensure(str(tmp_path))
    bundle.write_text("nothing")
    with pytest.raises(BootstrapError, match="no certificate"):
        truststore.ensure(str(tmp_path))
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setattr(truststore, "BUNDLE", str(tmp_path / "absent"))
    assert truststore.ensure(str(tmp_path)) is None
