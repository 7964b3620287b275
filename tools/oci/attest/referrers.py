"""Documents attached to an image in a registry: OCI 1.1 referrers.

A document is a blob, named by a manifest whose `subject` is the image's. Registries with the
referrers API then list it by themselves; for others the client keeps the list, an index under the
tag sha256-<hex digits of the image's digest>, as the distribution specification says.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Final

from tools.net.session import Answer
from tools.oci.assembler.spec import (
    OCI_INDEX,
    OCI_MANIFEST,
    Json,
    OciError,
    check_digest,
    descriptor,
    digest_of,
    digest_of_file,
    dump,
    parse,
)
from tools.oci.registry import answers
from tools.oci.registry.client import Client
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.upload import upload

# Names of the OCI image specification: a config that says nothing.
EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
EMPTY: Final = b"{}"
TITLE: Final = "org.opencontainers.image.title"
CREATED: Final = "org.opencontainers.image.created"

SPDX_TYPE: Final = "application/spdx+json"
CYCLONEDX_TYPE: Final = "application/vnd.cyclonedx+json"
PROVENANCE_TYPE: Final = "application/vnd.in-toto+json"
VEX_TYPE: Final = "application/vnd.openvex+json"


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
            upload(client, digest_of(EMPTY), Path(file.name), len(EMPTY))
    if not client.has_blob(blob["digest"]):
        upload(client, blob["digest"], document.path, blob["size"])
    answer = client.put_manifest(digest, OCI_MANIFEST, manifest)
    # With this header the registry says that it has read `subject`, and keeps the list itself. ECR
    # says so and has no list, so it is asked.
    keeps = answer.header("OCI-Subject") and answers.is_good(
        client.referrers(subject["digest"], OCI_INDEX)
    )
    if not keeps:
        entry = {
            **descriptor(OCI_MANIFEST, digest, len(manifest)),
            "annotations": {CREATED: document.created},
            "artifactType": document.media_type,
        }
        _add_to_list(client, subject["digest"], entry)
    return digest


def attached(client: Client, digest: str) -> list[Json]:
    """Return the descriptors of what is attached to the image with this digest."""
    answer = client.referrers(digest, OCI_INDEX)
    if answers.is_good(answer):
        return _entries(answer)
    if answer.status not in (400, 404, 405):
        raise RegistryError(
            f"{client.repository}: can't list what is attached to {digest}:"
            f" {answers.errors(answer)}"
        )
    return _list(client, digest)


def _tag(digest: str) -> str:
    return digest.replace(":", "-")


def _list(client: Client, digest: str) -> list[Json]:
    answer = client.manifest(_tag(digest), OCI_INDEX)
    if answer.status == 404:
        return []
    if not answers.is_good(answer):
        raise RegistryError(
            f"{client.repository}: can't read the tag {_tag(digest)}: {answers.errors(answer)}"
        )
    return _entries(answer)


def _entries(answer: Answer) -> list[Json]:
    """Return the descriptors of an index; OciError where it is none."""
    source = answer.url.shown
    listed = parse(answer.body, source).get("manifests", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise OciError(f"{source}: its manifests are no list of descriptors")
    for entry in listed:
        check_digest(entry.get("digest"), source)
    return listed


def _add_to_list(client: Client, digest: str, entry: Json) -> None:
    """Add to the list the client keeps; two clients at once may lose one's entry."""
    entries = _list(client, digest)
    if any(other["digest"] == entry["digest"] for other in entries):
        return
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries, entry]}
    client.put_manifest(_tag(digest), OCI_INDEX, dump(index))
