"""Sending a blob: in one go where that works, else in chunks, and on from where it broke off.

What registries take differs. One PATCH with everything is what docker and podman send, so nearly
all take it. Proxies before registries refuse large bodies (413); GitHub refuses chunks of more than
4 MiB with 416; Google takes no chunks; ECR forgets all chunks but the first; some know no
PATCH. So each refusal leads to the next way, and the digest that ends the upload proves it.
"""

from __future__ import annotations

import dataclasses
import enum
import io
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.net import limits
from tools.net.net_errors import BrokenError
from tools.net.origin import Url
from tools.net.session import RETRY_STATUS, Answer
from tools.oci.registry import answers
from tools.oci.registry.blobfile import BlobFile
from tools.oci.registry.client import Begun, Client, told
from tools.oci.registry.registry_error import RegistryError

_OCTETS: Final = {"Content-Type": "application/octet-stream"}
# Sizes of chunks to try where a registry says too large, and doesn't say what isn't.
CHUNKS: Final = (64 << 20, 16 << 20, 4 << 20, 1 << 20, 512 << 10)
# Answers to a PATCH that mean: not in this way.
_OTHERWISE: Final = frozenset((400, 405, 411, 415, 501))


class _Way(enum.Enum):
    PATCH = "one PATCH, or several"
    PUT = "one PUT"


def _nothing(_count: int) -> None:
    pass


def upload(
    client: Client,
    digest: str,
    path: Path,
    size: int,
    advance: Callable[[int], None] = _nothing,
) -> None:
    """Send the file `path` as the blob `digest`, `size` bytes, having hashed it.

    `advance` is told the bytes sent, and a negative number where some have to be sent again.
    RegistryError where the registry doesn't take it.
    """
    with BlobFile(path, digest, size) as blob:
        _Upload(client, blob, advance).run()


class _Upload:
    """One blob on its way: where to, how far it got, and how it is sent."""

    def __init__(self, client: Client, blob: BlobFile, advance: Callable[[int], None]) -> None:
        self._client = client
        self._blob = blob
        self._advance = advance
        self._way = _Way.PATCH
        # At most so many bytes in one request; None: all.
        self._chunk: int | None = None
        # Whether the registry can be asked how far it got, and takes what comes after.
        self._resumable = True
        self._failures = 0
        self._unknown = 0
        # Bytes the registry has, and bytes counted as sent.
        self._start = 0
        self._counted = 0
        self._begun = self._begin()

    def run(self) -> None:
        """Send it all; RegistryError names the last reason where that fails."""
        while self._way is _Way.PATCH:
            if self._start == self._blob.size:
                url = _with_digest(self._begun.url, self._blob.digest)
                self._verify(
                    self._client.transport.request("PUT", url, _OCTETS, idle=limits.COMMIT)
                )
                return
            self._step()
        while not self._step():
            pass

    def _step(self) -> bool:
        """Send what comes next; return whether the whole blob has been taken by a PUT."""
        try:
            answer = self._send()
        except BrokenError as error:
            # Some proxies hang up on a large body, rather than say 413.
            if self._failures:
                self._shrink()
            self._retry(str(error))
            return False
        if answers.is_good(answer):
            if self._way is _Way.PUT:
                self._verify(answer)
                return True
            self._take(answer)
        elif self._is_too_large(answer) and self._shrink():
            self._go_on()
        elif self._is_no_way(answer):
            self._way = _Way.PUT
            self._begin_anew()
        elif answer.status in RETRY_STATUS | {404, 416}:
            # 404: the upload has expired; 416: it has got to another place.
            self._retry(told(answer))
        else:
            raise self._client.failed(f"refuses blob {self._blob.digest}", answer)
        return False

    def _begin(self) -> Begun:
        begun = self._client.begin(self._blob.digest)
        if begun.at_most:
            self._chunk = min(self._chunk or begun.at_most, begun.at_most)
        if self._chunk and begun.at_least:
            self._chunk = max(self._chunk, begun.at_least)
        return begun

    def _begin_anew(self) -> None:
        self._begun = self._begin()
        self._settle(0)

    def _count(self, number: int) -> None:
        self._counted += number
        self._advance(number)

    def _settle(self, reached: int) -> None:
        """Note how many bytes the registry has, and take back what was counted beyond it."""
        if reached != self._counted:
            self._advance(reached - self._counted)
        self._counted = self._start = reached

    def _send(self) -> Answer:
        """Send what comes next."""
        left = self._blob.size - self._start
        length = min(left, self._chunk or left)
        url, headers = self._begun.url, dict(_OCTETS)
        if self._way is _Way.PUT:
            length = left
            url = _with_digest(url, self._blob.digest)
        elif length < self._blob.size:
            # One PATCH with all has no range: so docker sends it, and Google and GitHub take it.
            headers["Content-Range"] = f"{self._start}-{self._start + length - 1}"

        def part() -> io.BufferedIOBase:
            # Once more after a 401: what was counted is sent again.
            self._settle(self._start)
            return self._blob.part(self._start, length, self._count)

        return self._client.transport.send(self._way.name, url, headers, part, length)

    def _take(self, answer: Answer) -> None:
        """Note what a PATCH that was granted has brought."""
        self._note(self._client.transport.location(answer))
        reached = answers.reached(answer)
        if reached is None or reached >= self._counted:
            self._settle(self._counted)
        elif reached > self._start:
            # Less than it was sent: the rest goes again.
            self._settle(reached)
        else:
            # It says yes to chunks and drops them, as ECR does with all but the first.
            self._resumable = False
            self._chunk = None
            self._retry("the registry drops chunks")

    def _note(self, url: Url | None) -> None:
        if url:
            self._begun = dataclasses.replace(self._begun, url=url)

    def _is_too_large(self, answer: Answer) -> bool:
        """Whether a smaller chunk may be taken."""
        if self._way is _Way.PUT:
            return False
        if answer.status == 416 and (self._start or self._chunk):
            # It is where this side thinks, so 416 is about the size.
            return self._ask() == (self._start or None)
        return answer.status == 413

    def _shrink(self) -> bool:
        """Choose smaller chunks; return whether there are any."""
        left = self._blob.size - self._start
        now = min(self._chunk or left, left)
        floor = self._begun.at_least or 0
        smaller = next((size for size in CHUNKS if floor <= size < now), None)
        if smaller and self._resumable and self._way is _Way.PATCH:
            self._chunk = smaller
            return True
        return False

    def _is_no_way(self, answer: Answer) -> bool:
        """Whether the registry doesn't understand PATCH, or not this one."""
        if self._way is _Way.PUT:
            return False
        # An upload may have expired once.
        self._unknown += answer.status == 404
        return answer.status in _OTHERWISE or self._unknown > 1

    def _retry(self, why: str) -> None:
        """Prepare a further attempt; RegistryError after too many."""
        self._failures += 1
        digest = self._blob.digest
        if self._failures >= limits.ATTEMPTS:
            raise RegistryError(f"{self._client.repository}: can't send blob {digest}: {why}")
        self._client.transport.pause(self._failures, f"blob {digest}: {why}")
        self._go_on()

    def _go_on(self) -> None:
        """Go on where the registry says that it has got to, or from the beginning."""
        reached = None
        if self._way is _Way.PATCH and self._resumable:
            reached = self._ask()
        if reached is None:
            self._begin_anew()
        else:
            self._settle(reached)

    def _ask(self) -> int | None:
        """Return how many bytes of the upload the registry has; None where it doesn't say."""
        transport = self._client.transport
        if not transport.is_own(self._begun.url):
            return None
        answer = transport.attempt("GET", self._begun.url)
        if answer is None or not answers.is_good(answer):
            return None
        self._note(transport.location(answer))
        reached = answers.reached(answer)
        return reached if reached is not None and reached <= self._blob.size else None

    def _verify(self, answer: Answer) -> None:
        """Raise RegistryError unless the answer to the last PUT, or the registry, has the blob."""
        digest = self._blob.digest
        if answers.is_good(answer) and answers.digest(answer) == digest:
            return
        # After a repeated PUT the first one may have done it; others say yes and have nothing.
        if not answers.is_good(answer) and answer.status != 404:
            raise self._client.failed(f"refuses blob {digest}", answer)
        if not self._client.has_blob(digest):
            raise RegistryError(
                f"{self._client.repository}: doesn't have blob {digest} after it was sent, having"
                f" answered {told(answer)}"
            )


def _with_digest(url: Url, digest: str) -> Url:
    mark = "&" if "?" in url.target else "?"
    return Url(url.origin, f"{url.target}{mark}{urllib.parse.urlencode({'digest': digest})}")
