"""A loopback server that answers as python.org, a Debian mirror and a module registry do.

The answers have the recorded shapes; archives are tiny, so their checksums are put in here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import lzma
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

AUGUST = 1785888000  # 2026-08-05
DEBIAN_CSV = """\
version,codename,series,created,release,eol,eol-lts,eol-elts
12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30
13,Trixie,trixie,2023-06-10,2025-08-09,2028-08-09,2030-06-30,2035-06-30
,Sid,sid,1993-08-16,1993-08-16
"""


def archive(files: dict[str, str]) -> bytes:
    """A .tar.xz of small text files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            member.mtime = AUGUST
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def source(version: str, says: str | None = None) -> bytes:
    """A CPython source as far as the update looks into it."""
    header = f'#define PY_MAJOR_VERSION 3\n#define PY_VERSION      "{says or version}"\n'
    return archive({f"Python-{version}/Include/patchlevel.h": header})


def sha256(content: bytes) -> str:
    """The SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class Sources:
    """The content of the server, path to bytes; change it before or while it's asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self._releases: list[dict[str, Any]] = []
        self._stanzas: dict[str, list[str]] = {}

    def put_json(self, path: str, value: object) -> None:
        """Answer ``path`` with JSON."""
        self.files[path] = json.dumps(value).encode()

    def python_org(
        self,
        version: str,
        day: str,
        content: bytes,
        *,
        said: str | None = None,
        bundle: bool = False,
    ) -> None:
        """Let python.org publish a release; ``said`` is a checksum that isn't the content's."""
        identifier = 1000 + len(self._releases)
        site = "https://www.python.org"
        self._releases.append(
            {
                "name": f"Python {version}",
                "slug": f"python-{version.replace('.', '')}",
                "version": 3,
                "is_published": True,
                "pre_release": not version.replace(".", "").isdigit(),
                "release_date": f"{day}T12:00:00Z",
                "resource_uri": f"{site}/api/v2/downloads/release/{identifier}/",
            }
        )
        self.put_json("/api/v2/downloads/release/?is_published=true", self._releases)
        base = version.rstrip("0123456789").rstrip("abrc") if version[-2:-1].isalpha() else version
        path = f"/ftp/python/{base}/Python-{version}.tar.xz"
        digest = said or sha256(content)
        row: dict[str, Any] = {
            "name": "XZ compressed source tarball",
            "url": site + path,
            "is_source": True,
            "filesize": len(content),
            "sha256_sum": "" if bundle else digest,
            "sigstore_bundle_file": f"{site}{path}.sigstore",
        }
        other = dict(row, name="Gzipped source tarball", url=site + path.replace(".xz", ".tgz"))
        windows = [
            dict(row, url=f"{site}/ftp/python/{base}/python-{version}{ending}", sha256_sum=sum)
            for ending, sum in (("-amd64.zip", "a" * 64), ("-amd64.exe", "e" * 64))
        ]
        files = [other, *windows, row]
        self.put_json(f"/api/v2/downloads/release_file/?release={identifier}", files)
        self.files[path] = content
        self.put_json(
            f"{path}.sigstore",
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "messageSignature": {
                    "messageDigest": {
                        "algorithm": "SHA2_256",
                        "digest": base64.b64encode(bytes.fromhex(digest)).decode(),
                    }
                },
            },
        )

    def module(self, name: str, versions: list[str], yanked: dict[str, str] | None = None) -> None:
        """Let the module registry have a Bazel module."""
        metadata = {"homepage": "", "versions": versions, "yanked_versions": yanked or {}}
        self.put_json(f"/modules/{name}/metadata.json", metadata)

    def debian(self, package: str, file: str, content: bytes, *, gone: bool = False) -> None:
        """Let Debian's sid have a source package; ``gone``: in its index only."""
        directory = f"pool/main/{package[0]}/{package}"
        self._stanzas.setdefault("sid", []).append(
            f"Package: {package}\nVersion: 1-1\nFiles:\n {'0' * 32} {len(content)} {file}\n"
            f"Checksums-Sha256:\n {sha256(content)} {len(content)} {file}\n"
            f"Homepage: https://www.python.org/\nDirectory: {directory}\n"
        )
        if not gone:
            self.files[f"/debian/{directory}/{file}"] = content
        index = lzma.compress("\n".join(self._stanzas["sid"]).encode())
        self.files["/debian/dists/sid/main/source/Sources.xz"] = index
        self.suite("sid", "", index)

    def suite(self, name: str, version: str, index: bytes = b"", archs: str = "") -> None:
        """Let Debian have a suite, or its security archive; ``version`` is its point release."""
        number = f"Version: {version}\n" if version else ""
        root = "debian-security" if name.endswith("-security") else "debian"
        self.files[f"/{root}/dists/{name}/InRelease"] = (
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
            f"Origin: Debian\n{number}Codename: {name}\nArchitectures: {archs}\nSHA256:\n"
            f" {sha256(index)} {len(index)} main/source/Sources.xz\n"
            "-----BEGIN PGP SIGNATURE-----\n\n=none\n-----END PGP SIGNATURE-----\n"
        ).encode()


@contextmanager
def serve(sources: Sources) -> Iterator[str]:
    """Serve ``sources`` on loopback; gives the address without a trailing slash."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            sources.asked.append(self.path)
            content = sources.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if with_body and content is not None:
                self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
