"""CVE numbers: from the changelogs of .debs on a server, and from the tracker's data."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.formats.debian.deb_fixtures import file, make_deb
from tools.packages.debian.lockfile import Lock, Package
from tools.packages.debian.mirrors import Mirror
from tools.update import security
from tools.update.fetch import Fetcher
from tools.update.packages import Change, compare

CHANGELOG = """\
openssl (3.5.5-1~deb13u2) trixie-security; urgency=medium

  * CVE-2026-1000 (use after free)
  * CVE-2026-10001, CVE-2026-1000

 -- A <a@example.org>  Tue, 01 Dec 2026 10:00:00 +0000

openssl (3.5.5-1~deb13u1) trixie; urgency=medium

  * CVE-2026-0002

 -- A <a@example.org>  Sun, 01 Nov 2026 10:00:00 +0000

openssl (3.5.4-1) unstable; urgency=medium

  * CVE-2025-0003

 -- A <a@example.org>  Wed, 01 Oct 2025 10:00:00 +0000
"""
KEY = ("trixie", "openssl", "3.5.4-1", "3.5.5-1~deb13u2")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""


@pytest.fixture(name="mirror")
def _mirror(tmp_path: Path) -> Iterator[Mirror]:
    handler = partial(Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    yield Mirror(f"{address}/debian", f"{address}/debian-security")
    server.shutdown()
    server.server_close()
    thread.join()


def put(folder: Path, name: str, version: str, content: str, called: str) -> Package:
    """A package of the security archive, with a changelog."""
    data = [(file(f"./usr/share/doc/{name}/{called}"), gzip.compress(content.encode(), mtime=0))]
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
    deb = make_deb(control, data)
    path = f"pool/updates/main/o/openssl/{name}_{version}_all.deb"
    target = folder / "debian-security" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(deb)
    digest = hashlib.sha256(deb).hexdigest()
    return Package(name, version, "all", f"security:{path}", digest, len(deb), {"base": False})


def upgrade(new: Package, old: str = "3.5.4-1") -> list[Change]:
    was = Package(new.name, old, "all", f"pool/main/o/openssl/{new.name}.deb", "0" * 64, 1, {})
    one, two = (Lock("trixie", "amd64", "", (package,)) for package in (was, new))
    return compare(one, two)


def read(
    changes: list[Change], mirror: Mirror
) -> tuple[dict[security.Key, frozenset[str]], list[str]]:
    return security.from_changelogs(changes, [mirror], Fetcher(io.StringIO()))


@pytest.mark.parametrize("called", ["changelog.Debian.gz", "changelog.gz"])
def test_numbers_since_the_old_version(tmp_path: Path, mirror: Mirror, called: str) -> None:
    new = put(tmp_path, "openssl", "3.5.5-1~deb13u2", CHANGELOG, called)
    found, unread = read(upgrade(new), mirror)
    assert found == {KEY: {"CVE-2026-1000", "CVE-2026-10001", "CVE-2026-0002"}}
    assert unread == []
    found, _ = read(upgrade(new, "3.5.5-1~deb13u1"), mirror)
    assert list(found.values()) == [{"CVE-2026-1000", "CVE-2026-10001"}]


@pytest.mark.parametrize(
    ("version", "content", "called"),
    [
        ("3.5.5-1~deb13u2", CHANGELOG, "copyright"),
        ("4:1-1", CHANGELOG, "changelog.Debian.gz"),
        ("3.5.5-1~deb13u2", "", "changelog.Debian.gz"),
        ("3.5.5-1~deb13u2", "no changelog", "changelog.Debian.gz"),
    ],
)
def test_a_changelog_that_says_nothing_of_it(
    tmp_path: Path, mirror: Mirror, version: str, content: str, called: str
) -> None:
    new = put(tmp_path, "openssl", version.replace(":", "-"), content, called)
    changed = Package(new.name, version, new.arch, new.path, new.sha256, new.size, {"base": False})
    found, unread = read(upgrade(changed), mirror)
    assert (found, unread) == ({}, ["openssl"])


def test_what_is_not_what_the_lock_says_is_not_read(tmp_path: Path, mirror: Mirror) -> None:
    new = put(tmp_path, "openssl", "3.5.5-1~deb13u2", CHANGELOG, "changelog.Debian.gz")
    with (tmp_path / "debian-security" / new.path.removeprefix("security:")).open("ab") as deb:
        deb.write(b"x")
    assert read(upgrade(new), mirror) == ({}, ["openssl"])


def test_nothing_is_fetched_for_a_rebuild(tmp_path: Path, mirror: Mirror) -> None:
    new = put(tmp_path, "openssl", "3.5.4-1+b2", CHANGELOG, "changelog.Debian.gz")
    assert read(upgrade(new, "3.5.4-1+b1"), mirror) == ({}, [])


def test_the_tracker(tmp_path: Path) -> None:
    def problem(status: str, fixed: str = "") -> dict[str, object]:
        release = {"status": status, "urgency": "high"}
        return {"releases": {"trixie": release | ({"fixed_version": fixed} if fixed else {})}}

    data = tmp_path / "tracker.json"
    known = {
        "CVE-2026-1": problem("resolved", "3.5.5-1~deb13u1"),
        "CVE-2026-2": problem("resolved", "3.5.5-1~deb13u2"),
        "CVE-2026-3": problem("open"),
        "CVE-2025-4": problem("resolved", "3.5.4-1"),
        "CVE-2025-5": problem("resolved", "0"),
        "CVE-2027-6": problem("resolved", "3.5.6-1"),
    }
    data.write_text(json.dumps({"openssl": known}))
    new = Package("openssl", "3.5.5-1~deb13u2", "all", "pool/main/o/openssl/x.deb", "1" * 64, 1, {})
    found = security.from_tracker(upgrade(new), str(data))
    assert found == {KEY: {"CVE-2026-1", "CVE-2026-2"}}
    both = security.merged(found, {KEY: frozenset({"CVE-2026-7"})})
    assert both == {KEY: {"CVE-2026-1", "CVE-2026-2", "CVE-2026-7"}}
