"""Reading from a registry: manifests and other documents, each checked by its digest. No layers."""

from __future__ import annotations

from tools.net import limits
from tools.oci.assembler.spec import INDEX_TYPES, MANIFEST_TYPES, Json, digest_of, parse
from tools.oci.registry import answers
from tools.oci.registry.client import Client
from tools.oci.registry.registry_error import RegistryError


def manifest(client: Client, reference: str) -> tuple[str, bytes]:
    """Return (media type, bytes) of the manifest or index with this tag or digest.

    RegistryError where there is none, or it isn't what the registry or the digest says.
    """
    accept = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
    answer = client.manifest(reference, accept)
    if not answers.is_good(answer):
        raise RegistryError(
            f"{client.repository}: no manifest {reference}: {answers.errors(answer)}"
        )
    digest = answers.digest(answer) or None
    _verify(client, reference, answer.body, reference if reference.startswith("sha256:") else None)
    _verify(client, reference, answer.body, digest)
    document = parse(answer.body, f"{client.repository}:{reference}")
    kind = document.get("mediaType") or answer.header("Content-Type").partition(";")[0].strip()
    if kind not in INDEX_TYPES + MANIFEST_TYPES:
        raise RegistryError(f"{client.repository}: {reference} is of an unknown kind: {kind}")
    return str(kind), answer.body


def document(client: Client, entry: Json) -> bytes:
    """Return the bytes of the blob a descriptor names: a configuration, say.

    RegistryError where the registry hasn't it or has something else, or it is too large for a
    document.
    """
    digest, size = str(entry.get("digest")), entry.get("size")
    if type(size) is not int or not 0 < size <= limits.DOCUMENT:
        raise RegistryError(f"{client.repository}: {digest} has {size} bytes: no document")
    answer = client.blob(digest, size)
    if not answers.is_good(answer):
        raise RegistryError(f"{client.repository}: no blob {digest}: {answers.errors(answer)}")
    _verify(client, digest, answer.body, digest)
    return answer.body


def _verify(client: Client, name: str, data: bytes, digest: str | None) -> None:
    if digest is not None and digest_of(data) != digest:
        raise RegistryError(
            f"{client.repository}: {name}: the registry sent {digest_of(data)} instead of {digest}"
        )
