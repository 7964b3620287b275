"""Alpine's own packages, put together again from a system that has them installed.

apk's database records each package's fields, scripts, triggers, and for every file its owner, mode
and SHA-1; the files themselves are on the disk. What comes out is an .apk for each package with the
same content, signed by a key of the tests. What a database doesn't record can't be recovered:

- the signature, and the compressed streams: so the size, and the identity (`Q1…`, the SHA-1 of the
  compressed control information) are others than the published package's;
- the order of members in the archive (here: the database's), the field `packager`, owners' names;
- whether a package was built `noarch`: Alpine's indexes, and so the database, call every package
  after their architecture. `NOARCH` has those whose build recipes say so;
- times of links, and of files that were written anew;
- files that somebody changed: those in `ORIGINALS` are restored, and checked by their SHA-1. A
  package with any other is left out.
"""

from __future__ import annotations

import base64
import hashlib
import io
import posixpath
import re
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.alpine.ext4 import Node
from tests.alpine.qcow2 import DiskError
from tools.formats.alpine import apk_fixtures as make

DB = "lib/apk/db"
# Built without an architecture, as https://gitlab.alpinelinux.org/alpine/aports has them.
NOARCH = ("alpine-baselayout", "alpine-baselayout-data", "busybox-binsh", "ncurses-terminfo-base")
_HOSTS = "127.0.0.1\tlocalhost localhost.localdomain\n::1\t\tlocalhost localhost.localdomain\n"
# Users that somebody added to the system, the first of them.
_ADDED = re.compile(rb"^dhcpcd:.*", re.MULTILINE | re.DOTALL)
ORIGINALS: Mapping[str, Callable[[bytes], bytes]] = {
    "etc/group": lambda now: _ADDED.sub(b"", now),
    "etc/hostname": lambda _: b"localhost\n",
    "etc/hosts": lambda _: _HOSTS.encode(),
    "etc/modules": lambda _: b"af_packet\nipv6\n",
    "etc/mtab": lambda _: b"../proc/mounts",
    "etc/passwd": lambda now: _ADDED.sub(b"", now),
    # Alpine's own root file systems give root a password that nothing fits.
    "etc/shadow": lambda now: _ADDED.sub(b"", now).replace(b"root:*:", b"root::"),
}
# Fields of .PKGINFO by the letter of the database; lists have a line for each word.
_FIELDS = {
    "P": "pkgname", "V": "pkgver", "T": "pkgdesc", "U": "url", "t": "builddate", "A": "arch",
    "I": "size", "o": "origin", "c": "commit", "m": "maintainer", "L": "license",
    "q": "replaces_priority", "k": "provider_priority",
}  # fmt: skip
_LISTS = {"r": "replaces", "D": "depend", "p": "provides", "i": "install_if"}


@dataclass(frozen=True, slots=True)
class File:
    """A directory (no checksum) or file as the database records it: mode, owner, SHA-1."""

    path: str
    owner: tuple[int, int] = (0, 0)
    mode: int = 0o755
    checksum: bytes = b""


@dataclass(slots=True)
class Installed:
    """A package of the database.

    Attributes:
        fields: by letter.
        files: in the database's order, each folder before what is in it.
        scripts: by name.
        triggers: the directories that are watched.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    scripts: dict[str, bytes] = field(default_factory=dict)
    triggers: str = ""

    @property
    def name(self) -> str:
        """The package's name."""
        return self.fields["P"]


def installed(tree: Mapping[str, Node]) -> dict[str, Installed]:
    """The packages that apk's database of a file tree records, by name."""
    packages = {}
    for paragraph in tree[f"{DB}/installed"].data.decode().strip("\n").split("\n\n"):
        package = _parse(paragraph.split("\n"))
        packages[package.name] = package
    by_identity = {package.fields["C"]: package for package in packages.values()}
    for line in tree[f"{DB}/triggers"].data.decode().splitlines():
        identity, _, folders = line.partition(" ")
        by_identity[identity].triggers = folders
    for name, text in _scripts(tree[f"{DB}/scripts.tar.gz"].data):
        start, _, script = name.rpartition(".")
        hexed = start.rpartition(".X1")[2]
        identity = "Q1" + base64.b64encode(bytes.fromhex(hexed)).decode()
        by_identity[identity].scripts[script] = text
    return packages


def _scripts(packed: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            yield member.name, content.read()


def _parse(lines: Sequence[str]) -> Installed:
    package = Installed()
    folder = ""
    for line in lines:
        letter, _, value = line.partition(":")
        if letter == "F":
            folder = value
            package.files.append(File(value))
        elif letter == "R":
            package.files.append(File(posixpath.join(folder, value), mode=0o644))
        elif letter in "Ma":
            uid, gid, mode = value.split(":")
            last = package.files[-1]
            package.files[-1] = replace(last, owner=(int(uid), int(gid)), mode=int(mode, 8))
        elif letter == "Z":
            checksum = base64.b64decode(value.removeprefix("Q1"))
            package.files[-1] = replace(package.files[-1], checksum=checksum)
        else:
            package.fields[letter] = value
    return package


def info(package: Installed) -> str:
    """The package's .PKGINFO."""
    fields = package.fields | ({"A": "noarch"} if package.name in NOARCH else {})
    lines = [f"{name} = {fields[letter]}" for letter, name in _FIELDS.items() if letter in fields]
    for letter, name in _LISTS.items():
        lines += [f"{name} = {word}" for word in fields.get(letter, "").split()]
    if package.triggers:
        lines.append(f"triggers = {package.triggers}")
    return "\n".join(lines)


def members(
    package: Installed, tree: Mapping[str, Node]
) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """The package's files as an archive has them. DiskError for one that isn't as recorded."""
    first: dict[int, str] = {}
    for file in package.files:
        node = tree.get(file.path)
        if node is None:
            raise DiskError(f"{package.name}: /{file.path} isn't there")
        header, content = _member(file, node, int(package.fields.get("t", "0")))
        found = header.linkname.encode() if header.issym() else content
        if file.checksum and hashlib.sha1(found, usedforsecurity=False).digest() != file.checksum:
            raise DiskError(f"{package.name}: /{file.path} isn't as the database records it")
        if header.isreg() and node.number in first:
            yield make.hardlink(file.path, first[node.number], file.mode), b""
            continue
        first[node.number] = file.path
        yield header, content


def _member(file: File, node: Node, built: int) -> tuple[tarfile.TarInfo, bytes]:
    """The header and content; a file that was changed is as it came."""
    original = ORIGINALS.get(file.path)
    if not file.checksum:
        header, content = make.directory(file.path, file.mode), b""
    elif stat.S_ISLNK(node.mode):
        target = original(b"").decode() if original else node.target
        header, content = make.symlink(file.path, target), b""
    else:
        header = make.file(file.path, file.mode)
        content = original(node.data) if original else node.data
    # No later than the package: what was written since is as it was.
    header.mtime = min(node.mtime, built)
    header.uid, header.gid = file.owner
    return header, content


def repack(package: Installed, tree: Mapping[str, Node], keys: Sequence[make.Key]) -> bytes:
    """The .apk, signed by the keys. DiskError for a file that isn't as recorded."""
    return make.make_apk(info(package), members(package, tree), scripts=package.scripts, keys=keys)
