"""Documents attached to an image in a registry: OCI 1.1 referrers.

A document is a blob, named by a manifest whose `subject` is the image's. Registries with the
referrers API then list it by themselves; for others the client keeps the list, an index under the
tag sha256-<hex digits of the image's digest>, as the distribution specification says.
"""

from __future__ import annotations

import dataclasses
import tempfile
import urllib.parse
from pathlib import Path
from typing import Final

from tools.oci.assembler.spec import (
    OCI_INDEX,
    OCI_MANIFEST,
    Json,
    descriptor,
    digest_of,
    digest_of_file,
    dump,
    parse,
)
from tools.oci.registry.client import Client
from tools.oci.registry.errors import RegistryError

# Names of the OCI image specification: a config that says nothing.
EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
EMPTY: Final = b"{}"
TITLE: Final = "org.opencontainers.image.title"
CREATED: Final = "org.opencontainers.image.created"

SPDX_TYPE: Final = "application/spdx+json"
CYCLONEDX_TYPE: Final = "application/vnd.cyclonedx+json"
PROVENANCE_TYPE: Final = "application/vnd.in-toto+json"


@dataclasses.dataclass(frozen=True)
class Document:
    """A document to attach: `media_type` is also what the list of referrers calls its kind."""

    path: Path
    media_type: str
    created: str

    def manifest(self, subject: Json) -> bytes:
        """Return the manifest that attaches it; the same bytes for the same document and image."""
        blob = descriptor(self.media_type, digest_of_file(self.path), self.path.stat().st_size)
        return dump(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "artifactType": self.media_type,
                "config": descriptor(EMPTY_TYPE, digest_of(EMPTY), len(EMPTY)),
                "layers": [{**blob, "annotations": {TITLE: self.path.name}}],
                "subject": {key: subject[key] for key in ("mediaType", "digest", "size")},
                "annotations": {CREATED: self.created},
            }
        )


def attach(client: Client, subject: Json, document: Document) -> str:
    """Attach a document to the image with descriptor `subject`; return its manifest's digest.

    What is attached already isn't sent again. RegistryError where the registry refuses.
    """
    manifest = document.manifest(subject)
    digest = digest_of(manifest)
    blob = parse(manifest, document.path)["layers"][0]
    if not client.has_blob(digest_of(EMPTY)):
        with tempfile.NamedTemporaryFile() as file:
            file.write(EMPTY)
            file.flush()
            client.upload(digest_of(EMPTY), Path(file.name), len(EMPTY))
    if not client.has_blob(blob["digest"]):
        client.upload(blob["digest"], document.path, blob["size"])
    answer = client.transport.request(
        "PUT",
        f"/v2/{client.repository.path}/manifests/{digest}",
        {"Content-Type": OCI_MANIFEST},
        lambda: manifest,
    )
    if answer.status != 201:
        raise RegistryError(
            f"{client.repository}: refuses {document.path.name} as a referrer of"
            f" {subject['digest']}: {answer.errors()}"
        )
    # With this header the registry says that it has read `subject`, and keeps the list itself.
    if not answer.headers.get("OCI-Subject"):
        entry = {
            **descriptor(OCI_MANIFEST, digest, len(manifest)),
            "annotations": {CREATED: document.created},
            "artifactType": document.media_type,
        }
        _add_to_list(client, subject["digest"], entry)
    return digest


def attached(client: Client, digest: str) -> list[Json]:
    """Return the descriptors of what is attached to the image with this digest."""
    answer = client.transport.request(
        "GET",
        f"/v2/{client.repository.path}/referrers/{urllib.parse.quote(digest)}",
        {"Accept": OCI_INDEX},
    )
    if answer.status == 200:
        manifests: list[Json] = parse(answer.body, answer.url).get("manifests", [])
        return manifests
    if answer.status not in (400, 404, 405):
        raise RegistryError(
            f"{client.repository}: can't list what is attached to {digest}: {answer.errors()}"
        )
    return _list(client, digest)


def _tag(digest: str) -> str:
    return digest.replace(":", "-")


def _list(client: Client, digest: str) -> list[Json]:
    answer = client.transport.request(
        "GET",
        f"/v2/{client.repository.path}/manifests/{_tag(digest)}",
        {"Accept": OCI_INDEX},
    )
    if answer.status == 404:
        return []
    if answer.status != 200:
        raise RegistryError(
            f"{client.repository}: can't read the tag {_tag(digest)}: {answer.errors()}"
        )
    manifests: list[Json] = parse(answer.body, answer.url).get("manifests", [])
    return manifests


def _add_to_list(client: Client, digest: str, entry: Json) -> None:
    """Add to the list the client keeps; two clients at once may lose one's entry."""
    entries = _list(client, digest)
    if any(other["digest"] == entry["digest"] for other in entries):
        return
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries, entry]}
    client.put_manifest(_tag(digest), OCI_INDEX, dump(index))
