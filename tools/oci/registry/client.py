"""The distribution API of one repository: blobs, manifests, tags."""

from __future__ import annotations

import dataclasses
import urllib.parse

from tools.net import limits
from tools.net.origin import Url
from tools.net.session import Answer
from tools.oci.assembler.spec import check_digest, digest_of
from tools.oci.registry import answers
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport


@dataclasses.dataclass(frozen=True)
class Begun:
    """An upload that was begun: where it goes, and the sizes of chunks the registry takes."""

    url: Url
    at_least: int | None = None
    at_most: int | None = None


def told(answer: Answer) -> str:
    """Return what is wrong; registries keep to themselves what is wrong with them."""
    hint = "; the registry's log says why (a full disk, say)" if answer.status >= 500 else ""
    return answers.errors(answer) + hint


class Client:
    """Blobs, manifests and tags of the transport's repository."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.repository = transport.repository
        self._path = f"/v2/{self.repository.path}"

    def failed(self, what: str, answer: Answer) -> RegistryError:
        """Return the error for an answer."""
        return RegistryError(f"{self.repository}: {what}: {told(answer)}")

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has the blob."""
        check_digest(digest, self.repository)
        answer = self.transport.request("HEAD", f"{self._path}/blobs/{digest}")
        if answer.status != 404 and not answers.is_good(answer):
            raise self.failed(f"can't look for blob {digest}", answer)
        return answer.status != 404

    def blob(self, digest: str, limit: int) -> Answer:
        """Return the answer with a blob of at most `limit` bytes, not yet verified."""
        check_digest(digest, self.repository)
        return self.transport.request("GET", f"{self._path}/blobs/{digest}", limit=limit)

    def manifest(self, reference: str, accept: str) -> Answer:
        """Return the answer with the manifest with this tag or digest, not yet verified."""
        return self.transport.request(
            "GET", f"{self._path}/manifests/{reference}", {"Accept": accept}, limit=limits.DOCUMENT
        )

    def referrers(self, digest: str, accept: str) -> Answer:
        """Return the answer with the list of what is attached to the manifest with this digest."""
        return self.transport.request(
            "GET",
            f"{self._path}/referrers/{check_digest(digest, self.repository)}",
            {"Accept": accept},
            limit=limits.DOCUMENT,
        )

    def manifest_digest(self, reference: str, media_type: str) -> str | None:
        """Return the digest of the manifest with this tag or digest; None where there is none."""
        answer = self.transport.request(
            "HEAD", f"{self._path}/manifests/{reference}", {"Accept": media_type}
        )
        if answer.status == 404:
            return None
        if not answers.is_good(answer):
            raise self.failed(f"can't look for manifest {reference}", answer)
        if digest := answers.digest(answer):
            return digest
        # Some say nothing of it: then its bytes do.
        answer = self.manifest(reference, media_type)
        if not answers.is_good(answer):
            raise self.failed(f"can't read manifest {reference}", answer)
        return digest_of(answer.body)

    def put_manifest(self, reference: str, media_type: str, data: bytes) -> Answer:
        """Store a manifest or an index under a digest or a tag; return what the registry said.

        RegistryError where it refuses, or says yes and has something else afterwards.
        """
        answer = self.transport.request(
            "PUT", f"{self._path}/manifests/{reference}", {"Content-Type": media_type}, lambda: data
        )
        if not answers.is_good(answer):
            raise self.failed(f"refuses the manifest {reference}", answer)
        digest = digest_of(data)
        if answers.digest(answer) != digest:
            has = self.manifest_digest(reference, media_type)
            if has != digest:
                raise RegistryError(
                    f"{self.repository}: took the manifest {reference} and has"
                    f" {has or 'none'} there instead of {digest}"
                )
        return answer

    def begin(self, digest: str) -> Begun:
        """Begin the upload of a blob."""
        answer = self.transport.request("POST", f"{self._path}/blobs/uploads/")
        begun = self._begun(answer)
        if not begun:
            raise self.failed(f"can't begin the upload of blob {digest}", answer)
        return begun

    def _begun(self, answer: Answer) -> Begun | None:
        url = self.transport.location(answer) if answers.is_good(answer) else None
        if not url:
            return None
        return Begun(
            url,
            answers.size(answer, "OCI-Chunk-Min-Length"),
            answers.size(answer, "OCI-Chunk-Max-Length"),
        )

    def mount(self, digest: str, source: str) -> bool:
        """Have the registry take a blob over from its repository `source`; False if it doesn't.

        A registry that can't (the blob isn't there, or the user mustn't read it) refuses in one of
        many ways, or begins an upload instead, which is cancelled.
        """
        query = urllib.parse.urlencode({"mount": check_digest(digest, source), "from": source})
        answer = self.transport.attempt("POST", f"{self._path}/blobs/uploads/?{query}", source)
        if answer is None:
            return False
        if answer.status == 201:
            return answers.digest(answer) == digest or self.has_blob(digest)
        if answers.is_good(answer):
            self._cancel(answer)
        return False

    def _cancel(self, answer: Answer) -> None:
        """Take an upload back that was begun; registries drop what isn't finished in time, too."""
        try:
            url = self.transport.location(answer)
        except RegistryError:
            return
        # Nobody's address but the registry's own: who knows what DELETE does elsewhere.
        if url and self.transport.is_own(url):
            self.transport.attempt("DELETE", url)
