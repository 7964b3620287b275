"""A CPython release somebody offers, and checking that its source is what they say."""

from __future__ import annotations

import datetime
import hashlib
import lzma
import re
import tarfile
import tempfile
from dataclasses import dataclass, replace
from typing import IO

from tools.catalog import tags
from tools.catalog.tags import Release
from tools.update.fetch import Fetcher, UnreachableError

# What reading an archive raises where it isn't one.
_DAMAGED = (tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError)
_VERSION = re.compile(rb'^#define PY_VERSION\s+"([^"]+)"', re.M)


class MismatchError(Exception):
    """A source is not what it's said to be; the message names both values."""


@dataclass(frozen=True)
class Candidate:
    """A release on offer.

    Attributes:
        release: its number.
        sha256: of its .tar.xz.
        url: where that can be fetched.
        origin: who says so, such as python.org.
        released: the day it came out, if they say.
    """

    release: Release
    sha256: str
    url: str
    origin: str
    released: datetime.date | None


# Whose copies mirrors of closed networks have.
DEBIAN = "Debian"


@dataclass(frozen=True)
class Verified:
    """A release whose source was fetched and agrees with everything said of it.

    ``mirrored`` says whether a Debian mirror gave it, so that closed networks can have it.
    """

    release: Release
    sha256: str
    released: datetime.date
    origins: tuple[str, ...]
    mirrored: bool = True


def parse(text: str) -> Release | None:
    """A release number, or None for what isn't one."""
    try:
        return tags.release(text)
    except ValueError:
        return None


def by_release(offers: list[Candidate]) -> dict[Release, list[Candidate]]:
    """The offers of each release, in their order."""
    found: dict[Release, list[Candidate]] = {}
    for offer in offers:
        found.setdefault(offer.release, []).append(offer)
    return found


def agree(offers: list[Candidate]) -> None:
    """Check that all say the same of a release.

    Raises:
        MismatchError: two origins say different things.
    """
    for offer in offers[1:]:
        if offer.sha256 != offers[0].sha256:
            raise MismatchError(
                f"{offer.origin} says {offer.release} has SHA-256 {offer.sha256}, "
                f"{offers[0].origin} says {offers[0].sha256}"
            )


def there(offers: list[Candidate], today: datetime.date, fetcher: Fetcher) -> Verified:
    """A release as it would be verified, as far as that shows without fetching it.

    Raises:
        MismatchError: origins disagree.
        UnreachableError: nobody has it; the message says why for each address.
    """
    agree(offers)
    absent = {offer.url: fetcher.absent(offer.url) for offer in offers}
    if all(absent.values()):
        raise UnreachableError("; ".join(filter(None, absent.values())))
    mirrored = any(offer.origin == DEBIAN and not absent[offer.url] for offer in offers)
    return replace(declared(offers, today), mirrored=mirrored)


def declared(offers: list[Candidate], today: datetime.date) -> Verified:
    """A release that is taken on the word of those who offer it, with a checksum they agree on.

    Raises:
        MismatchError: they don't.
    """
    agree(offers)
    day = next((one.released for one in offers if one.released is not None), today)
    origins = tuple(dict.fromkeys(one.origin for one in offers))
    return Verified(offers[0].release, offers[0].sha256, day, origins, mirrored=False)


def _inspect(release: Release, archive: tarfile.TarFile) -> datetime.date:
    newest = 0.0
    version = None
    for member in archive:
        newest = max(newest, member.mtime)
        if member.name.endswith("/Include/patchlevel.h"):
            file = archive.extractfile(member)
            match = None if file is None else _VERSION.search(file.read())
            version = None if match is None else match[1].decode()
    if version != str(release):
        raise MismatchError(f"the source of {release} says it is {version}")
    return datetime.datetime.fromtimestamp(newest, datetime.UTC).date()


def _digest(url: str, label: str, into: IO[bytes], fetcher: Fetcher) -> str:
    """Fetch ``url`` into a file and return its SHA-256."""
    digest = hashlib.sha256()

    def take(piece: bytes) -> None:
        digest.update(piece)
        into.write(piece)

    fetcher.stream(url, label, take)
    return digest.hexdigest()


def verify(offers: list[Candidate], fetcher: Fetcher) -> Verified:
    """Fetch a release's source from the first that has it, and check it.

    The day of release is what an origin says, or else that of the newest file in the source.

    Raises:
        MismatchError: what arrives isn't what was promised.
        UnreachableError: nobody has it; the message is the last one's.
    """
    agree(offers)
    failure = UnreachableError("no one offers it")
    for offer in offers:
        with tempfile.TemporaryFile() as file:
            label = f"Python {offer.release} from {offer.origin}"
            try:
                found = _digest(offer.url, label, file, fetcher)
            except UnreachableError as error:
                failure = error
                continue
            if found != offer.sha256:
                raise MismatchError(
                    f"{offer.url} has SHA-256 {found}, {offer.origin} promises {offer.sha256}; "
                    "nothing was changed"
                )
            file.seek(0)
            try:
                with tarfile.open(fileobj=file, mode="r:xz") as archive:
                    newest = _inspect(offer.release, archive)
            except _DAMAGED as error:
                raise MismatchError(f"{offer.url} is no archive: {error}") from None
        mirrored = any(
            one.origin == DEBIAN and (one == offer or fetcher.absent(one.url) is None)
            for one in offers
        )
        return replace(declared(offers, newest), mirrored=mirrored)
    raise failure
