"""Getting JSON documents, and refusing what isn't."""

from __future__ import annotations

import gzip
import http.server
import json
import lzma
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.cves import documents
from tools.attestations.cves.advisory_fixtures import TRACKER, write_tracker
from tools.attestations.cves.cves_error import CvesError
from tools.net.raw_server import RawServer, once

DATA = json.dumps(TRACKER).encode()


@pytest.fixture
def served() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            status = 200 if self.path == "/data/json" else 404
            body = gzip.compress(DATA)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://ada:secret@127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_files_may_be_compressed(tmp_path: Path, pack: Any) -> None:
    (tmp_path / "data").write_bytes(pack(DATA))
    origin, found = documents.load("data", tmp_path)
    assert found == TRACKER
    assert origin.sha256 == documents.load(str(write_tracker(tmp_path)), tmp_path)[0].sha256


def test_an_address(tmp_path: Path, served: str) -> None:
    # A user in an address is not sent, and not printed.
    plain = served.replace("ada:secret@", "")
    origin, found = documents.load(f"{plain}/data/json", tmp_path)
    assert found == TRACKER
    assert origin.name == f"{plain}/data/json"
    with pytest.raises(CvesError, match=r"(?s)answers 404.*give the file with --data"):
        documents.load(f"{plain}/nothing", tmp_path)
    origin, _ = documents.load(f"{served}/data/json", tmp_path)
    assert origin.name == f"{plain}/data/json"
    with pytest.raises(CvesError) as caught:
        documents.load(f"{served}/nothing", tmp_path)
    assert "secret" not in str(caught.value)


def test_data_without_end(tmp_path: Path, served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LARGEST", 5)
    with pytest.raises(CvesError, match="has more than 5 bytes"):
        documents.load(f"{served}/data/json", tmp_path)


def test_a_redirection_in_the_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # To this machine's own server: that one may be asked, but not where it sends on to.
    moved = b"HTTP/1.1 302 Moved\r\nLocation: http://tracker.invalid/data\r\n\r\n"
    match = r"redirects|not an HTTPS address"
    with RawServer(once(moved)) as server, pytest.raises(CvesError, match=match):
        documents.load(f"http://{server.host}/data", tmp_path)


@pytest.mark.parametrize("url", ["http://tracker.example/data", "ftp://tracker.example/data"])
def test_data_that_anyone_could_change_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(CvesError, match="is not an HTTPS address"):
        documents.load(url, tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"\x1f\x8bbroken", b"\xfd7zXZ\x00broken", gzip.compress(DATA)[:-20]],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(CvesError, match=r"(?s)data: is (no JSON|damaged).*--data FILE"):
        documents.load("data", tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CvesError, match="No such file"):
        documents.load("missing.json", tmp_path)
