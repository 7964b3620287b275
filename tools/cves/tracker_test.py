"""Getting the tracker's data, and refusing what isn't."""

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

from tools.cves import tracker
from tools.cves.errors import CvesError
from tools.cves.fixtures import TRACKER, problem, write_tracker

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
    found = tracker.load("data", tmp_path)
    assert found.sources == TRACKER
    assert found.sha256 == tracker.load(str(write_tracker(tmp_path)), tmp_path).sha256


def test_an_address(tmp_path: Path, served: str) -> None:
    # urllib doesn't take a user in an address; what is printed never has one.
    plain = served.replace("ada:secret@", "")
    found = tracker.load(f"{plain}/data/json", tmp_path)
    assert found.sources == TRACKER
    assert found.origin == f"{plain}/data/json"
    with pytest.raises(CvesError, match=r"(?s)HTTP Error 404.*give the file with --data"):
        tracker.load(f"{plain}/nothing", tmp_path)
    with pytest.raises(CvesError) as caught:
        tracker.load(f"{served}/data/json", tmp_path)
    assert "secret" not in str(caught.value).partition("can't")[0]


@pytest.mark.parametrize("url", ["http://tracker.example/data", "ftp://tracker.example/data"])
def test_data_that_anyone_could_change_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(CvesError, match="is not an HTTPS address"):
        tracker.load(url, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b"<html>",
        b'{"demo": {"CVE-1": {}}}',
        b"\x1f\x8bbroken",
        b"\xfd7zXZ\x00broken",
        gzip.compress(DATA)[:-20],
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(CvesError, match=r"(?s)data: is (not the tracker's|damaged).*--data FILE"):
        tracker.load("data", tmp_path)


def test_no_data(tmp_path: Path) -> None:
    with pytest.raises(CvesError, match="nothing to compare"):
        tracker.load("", tmp_path)
    with pytest.raises(CvesError, match="No such file"):
        tracker.load("missing.json", tmp_path)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (problem("fixed"), "the status in bookworm is 'fixed'"),
        (problem("resolved"), "resolved in bookworm without a version"),
    ],
)
def test_what_is_not_understood_is_not_passed_over(
    tmp_path: Path, said: dict[str, Any], why: str
) -> None:
    data = tracker.load(str(write_tracker(tmp_path, {"demo": {"CVE-1": said}})), tmp_path)
    with pytest.raises(CvesError, match=why):
        data.entries("demo", "bookworm")
