"""What Debian's archive says: its releases, the CPython sources it has, ends of support."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import lzma
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tools.update.candidate import DEBIAN, Candidate, parse
from tools.update.fetch import Fetcher, UnreachableError

_INDEX = "main/source/Sources.xz"
_PYTHON = re.compile(r"python(3\.\d+)_([^_]+)\.orig\.tar\.xz")
_DISTRO_INFO = re.compile(r"distro-info-data_[^_]+\.tar\.xz")
# What reading distro-info-data raises where it isn't that.
_DAMAGED = (csv.Error, tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError)
_LOCAL_DISTRO_INFO = Path("/usr/share/distro-info/debian.csv")


@dataclass(frozen=True)
class Archive:
    """A mirror of Debian; ``keyring`` checks its signatures, None takes its word."""

    root: str
    keyring: Path | None


@dataclass(frozen=True)
class SourceFile:
    """A file of a source package, relative to the archive's root."""

    name: str
    path: str
    sha256: str


def _signed(text: bytes, url: str, keyring: Path) -> str:
    if shutil.which("gpgv") is None:
        raise UnreachableError(f"{url} can't be checked: gpgv is not installed")
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            ["gpgv", "--quiet", "--keyring", str(keyring), "--output", "-", file.name],
            capture_output=True,
            check=False,
        )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise UnreachableError(f"{url} is not validly signed: {reason[-1] if reason else 'gpgv'}")
    return done.stdout.decode(errors="replace")


def release(archive: Archive, suite: str, fetcher: Fetcher) -> dict[str, str]:
    """The fields of a suite's signed Release file; checksums stay one text."""
    url = f"{archive.root}/dists/{suite}/InRelease"
    text = fetcher.get(url, f"Debian's release file of {suite}")
    if archive.keyring is None:
        body = text.decode(errors="replace").partition("\n\n")[2].partition("\n-----BEGIN")[0]
    else:
        body = _signed(text, url, archive.keyring)
    fields = next(_stanzas(io.StringIO(body)), None)
    if fields is None or "SHA256" not in fields:
        raise UnreachableError(f"{url} is not a release file")
    return fields


def _stanzas(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    key = ""
    for line in lines:
        if not line.strip():
            if fields:
                yield fields
            fields, key = {}, ""
        elif line[0] in " \t":
            fields[key] = fields.get(key, "") + "\n" + line.strip()
        else:
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    if fields:
        yield fields


def sources(archive: Archive, suite: str, fetcher: Fetcher) -> list[SourceFile]:
    """The source archives of CPython and of distro-info-data in a suite, checked by hash."""
    fields = release(archive, suite, fetcher)
    wanted = next(
        (line.split()[0] for line in fields["SHA256"].splitlines() if line.split()[2:] == [_INDEX]),
        None,
    )
    url = f"{archive.root}/dists/{suite}/{_INDEX}"
    if wanted is None:
        raise UnreachableError(f"{url} is not in the suite's release file")
    packed = fetcher.get(url, f"Debian's source index of {suite}")
    found = hashlib.sha256(packed).hexdigest()
    if found != wanted:
        raise UnreachableError(f"{url} has SHA-256 {found}, the release file says {wanted}")
    try:
        return _files(packed)
    except (lzma.LZMAError, EOFError, ValueError, KeyError) as error:
        raise UnreachableError(f"{url} is not a source index: {error!r}") from None


def _files(packed: bytes) -> list[SourceFile]:
    """The source archives of CPython and of distro-info-data in an index."""
    made: list[SourceFile] = []
    with lzma.open(io.BytesIO(packed)) as unpacked:
        for stanza in _stanzas(io.TextIOWrapper(unpacked, encoding="utf-8")):
            name = stanza.get("Package", "")
            if not (re.fullmatch(r"python3\.\d+", name) or name == "distro-info-data"):
                continue
            for line in stanza.get("Checksums-Sha256", "").split("\n")[1:]:
                sha256, _, file = line.split()
                made.append(SourceFile(file, f"{stanza['Directory']}/{file}", sha256))
    return made


def candidates(archive: Archive, files: Iterable[SourceFile]) -> list[Candidate]:
    """The CPython releases among source files. Debian says no day of release."""
    made: dict[str, Candidate] = {}
    for file in files:
        match = _PYTHON.fullmatch(file.name)
        number = None if match is None else parse(match[2].replace("~", ""))
        if match is None or number is None or number.minor != match[1]:
            continue
        url = f"{archive.root}/{file.path}"
        made[url] = Candidate(number, file.sha256, url, DEBIAN, None)
    return list(made.values())


class Ends(NamedTuple):
    """The last days of a suite's security support and, if known, of its long-term support."""

    eol: datetime.date
    lts: datetime.date | None


def _ends(table: str) -> dict[str, Ends]:
    return {
        row["series"]: Ends(
            datetime.date.fromisoformat(row["eol"]),
            datetime.date.fromisoformat(row["eol-lts"]) if row.get("eol-lts") else None,
        )
        for row in csv.DictReader(io.StringIO(table))
        if row.get("series") and row.get("eol")
    }


def ends_of_life(
    archive: Archive,
    files: Iterable[SourceFile],
    fetcher: Fetcher,
    local: Path = _LOCAL_DISTRO_INFO,
) -> dict[str, Ends]:
    """Of each suite the ends of its support, as distro-info-data has it.

    The newest of ``files`` that can be fetched is taken, or else this machine's own copy.

    Raises:
        UnreachableError: neither is there.
    """
    failure = UnreachableError("no source index lists distro-info-data")
    offers = {file.path: file for file in files if _DISTRO_INFO.fullmatch(file.name)}
    for file in reversed(list(offers.values())):
        if ".debian." in file.name:
            continue
        try:
            packed = fetcher.get(f"{archive.root}/{file.path}", "Debian's ends of support")
        except UnreachableError as error:
            failure = error
            continue
        if hashlib.sha256(packed).hexdigest() != file.sha256:
            raise UnreachableError(f"{file.path} is not what the source index says")
        try:
            if (table := _table(packed)) is not None:
                return _ends(table)
        except _DAMAGED as error:
            raise UnreachableError(f"{file.path} is not distro-info-data: {error!r}") from None
    if not local.is_file():
        raise failure
    try:
        return _ends(local.read_text(encoding="utf-8"))
    except _DAMAGED as error:
        raise UnreachableError(f"{local} is not distro-info-data: {error!r}") from None


def _table(packed: bytes) -> str | None:
    """debian.csv in a source archive of distro-info-data."""
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:xz") as tar:
        for member in tar:
            if member.name.rpartition("/")[2] == "debian.csv":
                content = tar.extractfile(member)
                if content is not None:
                    return content.read().decode()
    return None
