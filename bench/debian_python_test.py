"""Debian's Python for benchmarks: which suite has it, that packages are checked, how they lie."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import debian_python
from tools.formats.debian import deb_fixtures as fixtures
from tools.packages.debian import resolve
from tools.packages.debian.lockfile import Package
from tools.packages.debian.mirrors import Mirror

CONTROL = "Package: a\nVersion: 1\nArchitecture: amd64\nDescription: x\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(name="mirror")
def _mirror(tmp_path: Path) -> Iterator[Mirror]:
    """A mirror that serves the folder `mirror`."""
    (tmp_path / "mirror").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "mirror"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield Mirror(url, f"{url}/security")
    finally:
        server.shutdown()
        server.server_close()


def package(content: bytes, path: str = "pool/a.deb") -> Package:
    return Package("a", "1", "amd64", path, hashlib.sha256(content).hexdigest(), len(content), {})


def test_what_is_fetched_is_checked_and_kept(tmp_path: Path, mirror: Mirror) -> None:
    file = tmp_path / "mirror/security/pool/a.deb"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"other")
    wanted = package(b"content", "security:pool/a.deb")
    with pytest.raises(
        SystemExit, match=r"a isn't available:\n.*security/pool/a\.deb: SHA-256 isn't"
    ):
        debian_python.fetch(wanted, [mirror], tmp_path / "kept")
    file.write_bytes(b"content")
    nowhere = Mirror("http://127.0.0.1:9", "http://127.0.0.1:9/security")
    found = debian_python.fetch(wanted, [nowhere, mirror], tmp_path / "kept")
    assert found.read_bytes() == b"content"
    file.unlink()
    assert debian_python.fetch(wanted, [mirror], tmp_path / "kept") == found
    assert [one.name for one in (tmp_path / "kept").iterdir()] == [found.name]


def test_packages_of_old_places_lie_in_usr(tmp_path: Path) -> None:
    library = "lib/x86_64-linux-gnu/libc.so.6"
    members = [
        (fixtures.directory("./lib"), b""),
        (fixtures.directory("./lib/x86_64-linux-gnu"), b""),
        (fixtures.file(f"./{library}"), b"libc"),
        (fixtures.directory("./usr"), b""),
        (fixtures.directory("./usr/bin"), b""),
        (fixtures.file("./usr/bin/python3.99", 0o755), b"python"),
    ]
    deb = tmp_path / "a.deb"
    deb.write_bytes(fixtures.make_deb(CONTROL, members))
    debian_python.unpack([deb], tmp_path / "tree")
    assert (tmp_path / "tree/usr" / library).read_bytes() == b"libc"
    assert (tmp_path / "tree/usr/bin/python3.99").stat().st_mode & 0o111
    deb.write_bytes(deb.read_bytes()[:-100])
    with pytest.raises(SystemExit, match=r"a\.deb"):
        debian_python.unpack([deb], tmp_path / "other")


def test_a_newer_suite_has_what_the_suite_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Apt:
        def __init__(self, suite: str) -> None:
            self.suite = suite

        def install(self, names: list[str]) -> list[Package]:
            if self.suite != "sid":
                raise resolve.UnknownPackageError(names[0])
            return [package(b"x")]

    def updated(root: Path, suite: str, *rest: Any) -> Apt:
        asked.append(suite)
        return Apt(suite)

    monkeypatch.setattr(resolve, "require_apt", lambda: None)
    monkeypatch.setattr(resolve, "find_keyring", lambda: Path("/nonexistent"))
    monkeypatch.setattr(resolve, "updated_root", updated)
    assert debian_python.find("3.99", "trixie", "amd64", tmp_path)[0] == "sid"
    assert asked == ["trixie", "testing", "sid"]
    monkeypatch.setattr(debian_python, "NEWER", ())
    with pytest.raises(SystemExit, match=r"Debian has no python3\.99 in trixie"):
        debian_python.find("3.99", "trixie", "amd64", tmp_path / "again")
