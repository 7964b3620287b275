"""A Debian archive that has a future: the real one's indexes, with what a test lets happen to them.

It serves what this machine's mirror has, signed with a key of its own, so that a test can bring
point releases, security updates, packages that vanish and indexes that are inconsistent. Package
files that the test didn't make are redirected to the real mirror.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tarfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from debian.debian_support import Version

from tools.packages.debian import mirrors, resolve
from tools.packages.debian.archive_fixtures import Signer

_MAIN = "debian"
_SECURITY = "debian-security"
# Pockets of a suite, and which archive has them.
_POCKETS = {"": _MAIN, "-updates": _MAIN, "-security": _SECURITY}
# Suites of which there are source packages only, for updates to look for CPython's.
_SOURCES = ("testing", "sid")

Stanzas = dict[str, str]


def fields(stanza: str) -> dict[str, str]:
    """The one-line fields of a paragraph."""
    lines = (line.partition(": ") for line in stanza.splitlines() if not line.startswith(" "))
    return {name: value for name, _, value in lines}


def _with(stanza: str, changes: Mapping[str, str]) -> str:
    """A paragraph with other values of fields that it has."""
    lines = []
    for line in stanza.splitlines():
        name = line.partition(":")[0]
        lines.append(f"{name}: {changes[name]}" if name in changes else line)
    return "\n".join(lines)


def _renewed(stanza: str, version: str) -> str:
    """A paragraph of another version; what it says of packages of its own source follows."""
    old = fields(stanza)["Version"]
    return _with(stanza, {"Version": version}).replace(f"(= {old})", f"(= {version})")


def _source(stanza: str) -> str:
    """The source package's name."""
    said = fields(stanza)
    return said.get("Source", said["Package"]).partition(" ")[0]


def _ar_members(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 8
    while at < len(data):
        header = data[at : at + 60]
        size = int(header[48:58])
        yield header[:16].decode().strip().rstrip("/"), data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2


def _ar(members: Mapping[str, bytes], time: int) -> bytes:
    out = bytearray(b"!<arch>\n")
    for name, data in members.items():
        out += f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        out += data + b"\n" * (len(data) % 2)
    return bytes(out)


def rebuilt(deb: bytes, version: str, time: int, scripts: Mapping[str, str]) -> bytes:
    """A package file with another version, built at another time.

    Args:
        deb: the file.
        version: the new version.
        time: seconds since 1970.
        scripts: what is put at the end of maintainer scripts that it has, by name.
    """
    members = dict(_ar_members(deb))
    (name,) = [one for one in members if one.startswith("control.tar")]
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(members[name])) as old,
        tarfile.open(fileobj=packed, mode="w:xz", format=tarfile.GNU_FORMAT) as new,
    ):
        for member in old:
            file = old.extractfile(member)
            content = file.read() if file else b""
            base = member.name.removeprefix("./")
            if base == "control":
                content = _renewed(content.decode(), version).encode() + b"\n"
            if base in scripts:
                content += scripts[base].encode()
            member.size, member.mtime = len(content), time
            new.addfile(member, io.BytesIO(content) if file else None)
    # In the order that dpkg demands.
    made = {
        "control.tar.xz" if one == name else one: packed.getvalue() if one == name else data
        for one, data in members.items()
    }
    return _ar(made, time)


@dataclass
class Pocket:
    """One folder below `dists/`: its packages by architecture and name, and its Release's facts."""

    archive: str
    packages: dict[str, Stanzas]
    version: str = ""
    # Architectures whose index isn't what the signed Release file names.
    broken: set[str] = field(default_factory=set)


class FutureArchive:
    """The archive; change it, then `publish`.

    Attributes:
        folder: what is served.
        keyring: the public key that signs it.
        gone: paths below an archive that are no longer there.
    """

    def __init__(self, folder: Path, signer: Signer, now: datetime) -> None:
        self.folder = folder
        self.keyring = signer.keyring
        self.now = now
        self.gone: set[str] = set()
        self._signer = signer
        self._real = mirrors.find_mirrors()
        self._indexes = resolve.new_indexes(folder / "real")
        self._pockets: dict[str, Pocket] = {}
        self._sources: list[str] = []

    def add_suite(self, suite: str, version: str, architectures: list[str]) -> None:
        """Take over a suite as the real mirror has it today.

        Args:
            suite: its name.
            version: its point release.
            architectures: Debian's names of those it has here.
        """
        asked = {f"{suite}{end}": archive == _SECURITY for end, archive in _POCKETS.items()}
        for end, archive in _POCKETS.items():
            self._pockets[f"{suite}{end}"] = Pocket(archive, {}, version if not end else "")
        for arch in architectures:
            local = self._indexes.local(self._real, 0, asked, arch, ["main"])
            for name, security in asked.items():
                root = Path((local.security if security else local.main).removeprefix("file://"))
                self._pockets[name].packages[arch] = _read(root / "dists" / name / "main", arch)

    def stanza(self, suite: str, arch: str, package: str) -> tuple[str, str]:
        """The pocket that has a package's newest version, and its paragraph there."""
        # After a point release, main may have a newer one than the security archive.
        found = {
            name: stanza
            for name in (f"{suite}{end}" for end in _POCKETS)
            if (stanza := self._pockets[name].packages[arch].get(package))
        }
        assert found, f"{suite}/{arch} has no {package}: the test is out of date"
        pocket = max(found, key=lambda name: Version(fields(found[name])["Version"]))
        return pocket, found[pocket]

    def deb(self, pocket: str, stanza: str) -> bytes:
        """A package file, of this archive's own or of the real mirror."""
        path = fields(stanza)["Filename"]
        archive = self._pockets[pocket].archive
        local = self.folder / archive / path
        if local.exists():
            return local.read_bytes()
        with urllib.request.urlopen(self.real(archive, path)) as answer:
            data: bytes = answer.read()
        assert hashlib.sha256(data).hexdigest() == fields(stanza)["SHA256"]
        return data

    def real(self, archive: str, path: str) -> str:
        """The URL of a file at the real mirror."""
        mirror = self._real[0]
        return f"{mirror.main if archive == _MAIN else mirror.security}/{path}"

    def update(
        self,
        suite: str,
        package: str,
        *,
        pocket: str = "-security",
        scripts: Mapping[str, str] | None = None,
    ) -> str:
        """Let a package's source have a new version in all architectures; returns the version.

        Args:
            suite: the suite that gets it.
            package: a binary package of the source.
            pocket: the part of the archive, as the end of the suite's name.
            scripts: what is put at the end of maintainer scripts of the package, by name.
        """
        into = self._pockets[f"{suite}{pocket}"]
        version = ""
        for arch in into.packages:
            where, stanza = self.stanza(suite, arch, package)
            old = fields(stanza)["Version"]
            version = f"{old}+future{self.now:%Y%m%d}"
            siblings = {
                name: other
                for name, other in self._pockets[where].packages[arch].items()
                if _source(other) == _source(stanza) and fields(other)["Version"] == old
            }
            for name, other in siblings.items():
                added = (scripts or {}) if name == package else {}
                data = rebuilt(self.deb(where, other), version, int(self.now.timestamp()), added)
                into.packages[arch][name] = self._store(into, other, version, data)
        return version

    def _store(self, pocket: Pocket, stanza: str, version: str, data: bytes) -> str:
        """Put a package file in the place its new version has; returns its paragraph."""
        known = fields(stanza)
        plain = version.partition(":")[2] or version
        name = f"{known['Package']}_{plain}_{known['Architecture']}.deb"
        path = f"{Path(known['Filename']).parent}/{name}"
        file = self.folder / pocket.archive / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        changes = {"Filename": path, "Size": str(len(data)), "SHA256": digest}
        return _with(_renewed(stanza, version), changes)

    def vanish(self, suite: str, package: str) -> None:
        """Remove the files of what a package is now, and let it have a new version."""
        for arch in self._pockets[suite].packages:
            pocket, stanza = self.stanza(suite, arch, package)
            self.gone.add(f"/{self._pockets[pocket].archive}/{fields(stanza)['Filename']}")
        self.update(suite, package)

    def point_release(self, suite: str, version: str) -> None:
        """Move what this archive itself updated into the suite, as point releases do."""
        main = self._pockets[suite]
        main.version = version
        for end in ("-updates", "-security"):
            pocket = self._pockets[f"{suite}{end}"]
            for arch, packages in pocket.packages.items():
                for name, stanza in list(packages.items()):
                    path = fields(stanza)["Filename"]
                    own = self.folder / pocket.archive / path
                    if not own.exists():
                        continue
                    moved = path.replace("pool/updates/", "pool/", 1)
                    target = self.folder / _MAIN / moved
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(own.read_bytes())
                    main.packages[arch][name] = _with(stanza, {"Filename": moved})
                    del packages[name]

    def break_index(self, suite: str, arch: str, *, broken: bool = True) -> None:
        """Let the index of an architecture be another than the signed Release file names."""
        pocket = self._pockets[suite]
        (pocket.broken.add if broken else pocket.broken.discard)(arch)

    def publish(self, now: datetime) -> None:
        """Write and sign all indexes, at a time."""
        self.now = now
        for name, pocket in self._pockets.items():
            top = self.folder / pocket.archive / "dists" / name
            sums = []
            for arch, packages in pocket.packages.items():
                path = f"main/binary-{arch}/Packages.gz"
                text = "\n\n".join(packages.values()).encode() + b"\n"
                data = gzip.compress(text, 1, mtime=0)
                (top / path).parent.mkdir(parents=True, exist_ok=True)
                (top / path).write_bytes(b"inconsistent" if arch in pocket.broken else data)
                # apt wants to know the uncompressed file, which needn't be there.
                for content, listed in ((text, path.removesuffix(".gz")), (data, path)):
                    digest = hashlib.sha256(content).hexdigest()
                    sums.append(f" {digest} {len(content)} {listed}\n")
            version = f"Version: {pocket.version}\n" if pocket.version else ""
            top.mkdir(parents=True, exist_ok=True)
            (top / "Release").write_text(
                f"Origin: Debian\nSuite: {name}\n{version}Codename: {name}\n"
                f"Architectures: {' '.join(pocket.packages)}\nComponents: main\n"
                f"Date: {format_datetime(now.astimezone(UTC), usegmt=True)}\nSHA256:\n"
                + "".join(sums)
            )
            self._signer.sign(top)
        for suite in _SOURCES:
            self._publish_sources(suite)

    def add_source(self, package: str, file: str, content: bytes) -> None:
        """Let Debian have a source package, of one file."""
        folder = f"pool/main/{package[0]}/{package}"
        path = self.folder / _MAIN / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self._sources.append(
            f"Package: {package}\nVersion: 1-1\nFiles:\n {'0' * 32} {len(content)} {file}\n"
            f"Checksums-Sha256:\n {digest} {len(content)} {file}\nDirectory: {folder}\n"
        )

    def _publish_sources(self, suite: str) -> None:
        """Publish a suite of the source packages."""
        top = self.folder / _MAIN / "dists" / suite
        index = top / "main" / "source" / "Sources.xz"
        index.parent.mkdir(parents=True, exist_ok=True)
        data = lzma.compress("\n".join(self._sources).encode())
        index.write_bytes(data)
        (top / "Release").write_text(
            f"Origin: Debian\nSuite: {suite}\nCodename: {suite}\n"
            f"Date: {format_datetime(self.now.astimezone(UTC), usegmt=True)}\nSHA256:\n"
            f" {hashlib.sha256(data).hexdigest()} {len(data)} main/source/Sources.xz\n"
        )
        self._signer.sign(top)


def _read(folder: Path, arch: str) -> Stanzas:
    """Packages of an index as `resolve` fetched it, by name; none if there's no index."""
    found = sorted((folder / f"binary-{arch}").glob("Packages*"))
    if not found:
        return {}
    data = found[0].read_bytes()
    if found[0].suffix == ".xz":
        data = lzma.decompress(data)
    elif found[0].suffix == ".gz":
        data = gzip.decompress(data)
    return {
        stanza.partition("\n")[0].removeprefix("Package: "): stanza
        for stanza in data.decode().split("\n\n")
        if stanza.strip()
    }


@contextmanager
def serve(archive: FutureArchive) -> Iterator[str]:
    """Serve the archive on loopback; gives the address of its main archive."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            file = archive.folder / self.path.lstrip("/")
            kind, _, path = self.path.lstrip("/").partition("/")
            if self.path in archive.gone or not path:
                self._end(404)
            elif file.is_file():
                self._end(200, {"Content-Length": str(file.stat().st_size)})
                if with_body:
                    self.wfile.write(file.read_bytes())
            elif path.startswith("pool/"):
                self._end(302, {"Location": archive.real(kind, path)})
            else:
                self._end(404)

        def _end(self, status: int, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {"Content-Length": "0"}).items():
                self.send_header(name, value)
            if status == 302:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/{_MAIN}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
