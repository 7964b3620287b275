"""The distribution API of one repository: blobs, manifests, tags."""

from __future__ import annotations

import re
import ssl
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.oci.registry.errors import RegistryError
from tools.oci.registry.transport import (
    ATTEMPTS,
    RETRY_ERRORS,
    RETRY_STATUS,
    Answer,
    Part,
    Transport,
)

_OCTETS: Final = {"Content-Type": "application/octet-stream"}


def _nothing(_count: int) -> None:
    pass


def _told(answer: Answer) -> str:
    """Return what is wrong; registries keep to themselves what is wrong with them."""
    hint = "; the registry's log says why (a full disk, say)" if answer.status >= 500 else ""
    return answer.errors() + hint


class Client:
    """Blobs, manifests and tags of the transport's repository."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.repository = transport.repository
        self._path = f"/v2/{self.repository.path}"

    def _failed(self, what: str, answer: Answer) -> RegistryError:
        return RegistryError(f"{self.repository}: {what}: {_told(answer)}")

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has the blob."""
        answer = self.transport.request("HEAD", f"{self._path}/blobs/{digest}")
        if answer.status not in (200, 404):
            raise self._failed(f"can't look for blob {digest}", answer)
        return answer.status == 200

    def manifest_digest(self, reference: str, media_type: str) -> str | None:
        """Return the digest of the manifest with this tag or digest; None where there is none."""
        answer = self.transport.request(
            "HEAD", f"{self._path}/manifests/{reference}", {"Accept": media_type}
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._failed(f"can't look for manifest {reference}", answer)
        return answer.headers.get("Docker-Content-Digest")

    def put_manifest(self, reference: str, media_type: str, data: bytes) -> None:
        """Store a manifest or an index under a digest or a tag."""
        answer = self.transport.request(
            "PUT",
            f"{self._path}/manifests/{reference}",
            {"Content-Type": media_type},
            lambda: data,
        )
        if answer.status != 201:
            raise self._failed(f"refuses the manifest {reference}", answer)

    def mount(self, digest: str, source: str) -> bool:
        """Have the registry take a blob over from its repository `source`; False if it doesn't.

        A registry that can't (the blob isn't there, or the user mustn't read it) begins an upload
        instead, which is cancelled.
        """
        query = urllib.parse.urlencode({"mount": digest, "from": source})
        answer = self.transport.request("POST", f"{self._path}/blobs/uploads/?{query}")
        if answer.status == 201:
            return True
        if answer.status == 202 and (location := answer.headers.get("Location")):
            # Best effort: registries drop what is not finished in time, and not all know DELETE.
            self.transport.request("DELETE", urllib.parse.urljoin(answer.url, location))
        elif answer.status not in (202, 404, 405):
            raise self._failed(f"can't mount blob {digest} from {source}", answer)
        return False

    def upload(
        self,
        digest: str,
        path: Path,
        size: int,
        advance: Callable[[int], None] = _nothing,
    ) -> None:
        """Send a blob; after a dropped connection go on where the registry says it has got to.

        `advance` is told the bytes sent, and a negative number where some have to be sent again.
        """
        location = self._begin(digest)
        start = 0
        for attempt in range(1, ATTEMPTS + 1):
            sent = 0

            def count(number: int) -> None:
                nonlocal sent
                sent += number
                advance(number)

            error: str
            try:
                answer = self._send(location, path, start, size, count)
            except ssl.SSLError:
                raise
            except RETRY_ERRORS as problem:
                error = str(problem) or type(problem).__name__
            else:
                if answer.status in (200, 202, 204):
                    self._finish(digest, answer.headers.get("Location") or location)
                    return
                # 404: the upload has expired; 416: it has got to another place.
                if answer.status not in RETRY_STATUS | {404, 416}:
                    raise self._failed(f"refuses blob {digest}", answer)
                error = _told(answer)
            if attempt < ATTEMPTS:
                self.transport.pause(attempt, f"blob {digest}: {error}")
                location, reached = self._resume(digest, location, size)
                advance(reached - start - sent)
                start = reached
                if start == size:
                    self._finish(digest, location)
                    return
        raise RegistryError(f"{self.repository}: can't send blob {digest}: {error}")

    def _begin(self, digest: str) -> str:
        answer = self.transport.request("POST", f"{self._path}/blobs/uploads/")
        location = answer.headers.get("Location")
        if answer.status != 202 or not location:
            raise self._failed(f"can't begin the upload of blob {digest}", answer)
        return urllib.parse.urljoin(answer.url, location)

    def _send(
        self, location: str, path: Path, start: int, size: int, advance: Callable[[int], None]
    ) -> Answer:
        headers = {**_OCTETS, "Content-Length": str(size - start)}
        if start:
            headers["Content-Range"] = f"{start}-{size - 1}"
        answer = self.transport.request(
            "PATCH",
            location,
            headers,
            lambda: Part(path, start, size - start, advance),
            retry=False,
        )
        if moved := answer.headers.get("Location"):
            answer.headers.replace_header("Location", urllib.parse.urljoin(answer.url, moved))
        return answer

    def _resume(self, digest: str, location: str, size: int) -> tuple[str, int]:
        """Return (location, bytes the registry has) of an upload that broke off."""
        answer = self.transport.request("GET", location)
        # "0-0" is no answer: registries say it of one byte and of none.
        found = re.fullmatch(r"(?:bytes=)?0-([1-9]\d*)", answer.headers.get("Range") or "")
        if answer.status in (200, 204) and found and int(found[1]) < size:
            moved = answer.headers.get("Location") or location
            return urllib.parse.urljoin(answer.url, moved), int(found[1]) + 1
        return self._begin(digest), 0

    def _finish(self, digest: str, location: str) -> None:
        parts = urllib.parse.urlsplit(location)
        query = (parts.query + "&" if parts.query else "") + urllib.parse.urlencode(
            {"digest": digest}
        )
        answer = self.transport.request(
            "PUT", urllib.parse.urlunsplit(parts._replace(query=query)), _OCTETS
        )
        # After a retried PUT the first one may have done it.
        if answer.status != 201 and not (answer.status == 404 and self.has_blob(digest)):
            raise self._failed(f"refuses blob {digest}", answer)
