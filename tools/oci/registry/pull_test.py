"""Reading documents from a registry: by tag and digest, what is refused, what is asked for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tools.oci.assembler.spec import OCI_MANIFEST, OciError
from tools.oci.registry import pull
from tools.oci.registry.client import Client
from tools.oci.registry.fake_registry import FakeRegistry
from tools.oci.registry.push_fixtures import client_of
from tools.oci.registry.reference import Repository
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport

DATA = b'{"schemaVersion": 2}'
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def test_a_manifest_by_tag_and_by_digest() -> None:
    with FakeRegistry() as registry:
        for name in ("ltsc2025", DIGEST):
            registry.manifests[name] = (OCI_MANIFEST, DATA)
            assert pull.manifest(client_of(registry.host), name) == (OCI_MANIFEST, DATA)


def test_other_bytes_than_the_digest_says() -> None:
    with FakeRegistry() as registry:
        registry.manifests[DIGEST] = (OCI_MANIFEST, b"{}")
        registry.blobs[DIGEST] = b"other"
        with pytest.raises(RegistryError, match=f"instead of {DIGEST}"):
            pull.manifest(client_of(registry.host), DIGEST)
        with pytest.raises(RegistryError, match=f"instead of {DIGEST}"):
            pull.document(client_of(registry.host), {"digest": DIGEST, "size": 5})


def test_what_is_no_manifest() -> None:
    with FakeRegistry() as registry:
        client = client_of(registry.host)
        with pytest.raises(RegistryError, match="no manifest ltsc2025: 404"):
            pull.manifest(client, "ltsc2025")
        registry.manifests["ltsc2025"] = ("text/html", b"{}")
        with pytest.raises(RegistryError, match="unknown kind: text/html"):
            pull.manifest(client, "ltsc2025")
        registry.manifests["ltsc2025"] = (OCI_MANIFEST, b"<html>")
        with pytest.raises(OciError, match="not JSON"):
            pull.manifest(client, "ltsc2025")


def test_a_document() -> None:
    with FakeRegistry() as registry:
        client = client_of(registry.host)
        entry = {"digest": DIGEST, "size": len(DATA)}
        with pytest.raises(RegistryError, match=r"no blob sha256:.*404"):
            pull.document(client, entry)
        registry.blobs[DIGEST] = DATA
        assert json.loads(pull.document(client, entry)) == {"schemaVersion": 2}
        with pytest.raises(RegistryError, match="has 5000000000 bytes: no document"):
            pull.document(client, {"digest": DIGEST, "size": 5_000_000_000})


def test_reading_asks_for_no_more_than_that(tmp_path: Path) -> None:
    with FakeRegistry(auth="bearer") as registry:
        transport = Transport(
            Repository(registry.host, "team/app"),
            environment={"DOCKER_CONFIG": str(tmp_path)},
            actions="pull",
        )
        transport.connect()
        registry.manifests["tag"] = (OCI_MANIFEST, DATA)
        assert pull.manifest(Client(transport), "tag") == (OCI_MANIFEST, DATA)
        assert registry.scopes == ["repository:team/app:pull"]
        with pytest.raises(RegistryError, match="as a user that may pull here"):
            Client(transport).put_manifest("tag", OCI_MANIFEST, DATA)
