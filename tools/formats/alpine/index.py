"""Alpine's package indexes, APKINDEX.tar.gz: their signature, and what they list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.formats.alpine import fields as values
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.apk import Signature, gunzip, read_signatures, tar_files
from tools.formats.alpine.dependency import Dependency
from tools.formats.alpine.rsa import PublicKey, verifies

# Fields of an entry. Upper case ones of unknown meaning make it uninstallable for apk too.
_KNOWN = frozenset("CPVASITULomtckDpig")
_IDENTITY = re.compile(r"Q1[A-Za-z0-9+/]{27}=")
# Bytes an index may unpack to; the largest of Alpine's has a few dozen MB.
_LIMIT = 1 << 28


@dataclass(frozen=True, slots=True)
class IndexPackage:
    """One package of a repository.

    Attributes:
        name, version, arch: as in the package itself.
        identity: of exactly this package: `Q1` and the SHA-1 of its control information in base64.
        size: of the .apk, in bytes.
        origin: the source package.
        built: seconds since 1970.
        depends, provides: what it needs, conflicts with, and offers besides its name.
        install_if: it comes by itself where all of these are; empty for most.
        priority: rank among the providers of one name; 0 where nothing is said.
        repository: where it is, in the order of the repositories.
        directory: the repository's path on a mirror, such as `v3.24/main/x86_64`.
    """

    name: str
    version: str
    arch: str
    identity: str
    size: int
    origin: str
    built: int
    depends: tuple[Dependency, ...]
    provides: tuple[Dependency, ...]
    install_if: tuple[Dependency, ...]
    priority: int
    repository: int = 0
    directory: str = ""

    @property
    def file(self) -> str:
        """Name of its .apk."""
        return f"{self.name}-{self.version}.apk"

    @property
    def path(self) -> str:
        """Path of its .apk on a mirror."""
        return f"{self.directory}/{self.file}"


def check_signature(
    subject: object,
    signatures: Sequence[Signature],
    data: bytes | memoryview,
    keys: Mapping[str, PublicKey],
) -> str:
    """The name of the key, of `keys` by file name, that signed `data`. Raises AlpineError.

    A signature by a key that is known and doesn't fit is an error, whatever else is there.
    """
    trusted = ""
    for signature in signatures:
        key = keys.get(signature.key)
        if key is None:
            continue
        if not verifies(key, signature.algorithm, data, signature.data):
            raise AlpineError(subject, f"wrong signature by {signature.key}")
        trusted = signature.key
    if not trusted:
        names = ", ".join(signature.key for signature in signatures) or "nobody"
        raise AlpineError(subject, f"signed by {names}, none of the trusted keys {sorted(keys)}")
    return trusted


def read_index(
    subject: object,
    data: bytes,
    keys: Mapping[str, PublicKey] | None,
    *,
    repository: int = 0,
    directory: str = "",
) -> list[IndexPackage]:
    """Check an APKINDEX.tar.gz and return its packages, with the last two fields as given.

    `keys` None skips the signature: for looking up the package that has the keys. Raises
    AlpineError naming `subject`.
    """
    view = memoryview(data)
    signatures, start = read_signatures(subject, view)
    signed = view[start:]
    if keys is not None:
        check_signature(subject, signatures, signed, keys)
    tar, length = gunzip(signed, subject, "index", _LIMIT)
    if length != len(signed):
        raise AlpineError(subject, "has bytes after the index")
    files = tar_files(subject, tar, "index")
    if "APKINDEX" not in files:
        raise AlpineError(subject, "has no APKINDEX")
    try:
        text = files["APKINDEX"].decode("utf-8")
    except UnicodeDecodeError as error:
        raise AlpineError(subject, str(error)) from None
    return parse_index(subject, text, repository=repository, directory=directory)


def parse_index(
    subject: object, text: str, *, repository: int = 0, directory: str = ""
) -> list[IndexPackage]:
    """The packages of an APKINDEX's text; see read_index."""
    packages = []
    for number, paragraph in enumerate(text.split("\n\n"), 1):
        lines = paragraph.strip("\n").split("\n")
        if lines != [""]:
            where = f"{subject}: package {number}"
            packages.append(_package(where, lines, repository, directory))
    return packages


def _package(where: str, lines: Iterable[str], repository: int, directory: str) -> IndexPackage:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or len(name) != 1 or name in fields:
            raise AlpineError(where, f"malformed or repeated line {line!r}")
        if name not in _KNOWN and name.isupper():
            raise AlpineError(where, f"field of unknown meaning in line {line!r}")
        fields[name] = value
    missing = [name for name in "CPVS" if not fields.get(name)]
    if missing:
        raise AlpineError(where, f"has no {missing[0]}: line")
    where = f"{where} ({fields['P']!r})"
    if not _IDENTITY.fullmatch(fields["C"]):
        raise AlpineError(where, f"its identity {fields['C']!r} isn't a SHA-1")
    try:
        return IndexPackage(
            name=values.name(fields["P"]),
            version=values.version(fields["V"]),
            arch=values.architecture(fields["A"]) if "A" in fields else "",
            identity=fields["C"],
            size=values.number(fields["S"]),
            origin=values.text(fields.get("o", "")),
            built=values.time(fields.get("t", "0")),
            depends=tuple(values.dependencies(fields.get("D", ""))),
            provides=tuple(values.dependencies(fields.get("p", ""))),
            install_if=tuple(values.dependencies(fields.get("i", ""))),
            priority=values.number(fields.get("k", "0")),
            repository=repository,
            directory=directory,
        )
    except ValueError as error:
        raise AlpineError(where, str(error)) from None
