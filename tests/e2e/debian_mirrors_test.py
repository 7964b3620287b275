"""Where locked Debian packages are fetched from: several mirrors, the host's apt, a snapshot.

A lock for a made-up suite is added to a scratch copy of the checkout, and served by two mirrors on
the loopback. Each test locks content of its own, so that no cache has it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.debian.lockfile import Lock, Package
from tools.testing.checkout import Checkout, Result, scratch

SNAPSHOT = "20200102T030405Z"
TARGET = "@debian//sid/amd64:base"


@dataclass
class Server:
    """Files by path, and the paths that were asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    pair = (Server(), Server())
    running = []
    for server in pair:

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self, server: Server = server) -> None:
                server.asked.append(self.path)
                content = server.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.url = f"http://127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        running.append(http)
    yield pair
    for http in running:
        http.shutdown()
        http.server_close()


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("debian_mirrors") as copy:
        yield copy


@dataclass
class Fixture:
    """A checkout with a lock for suite "sid" of one main and one security package."""

    checkout: Checkout
    apt_config: Path
    content: dict[str, bytes]

    @property
    def lock(self) -> Path:
        return self.checkout.path / "third_party/debian/sid_amd64.lock"

    def write_lock(self, *, other_set: str = "other") -> None:
        packages = tuple(
            Package(
                name=Path(path).name.partition("_")[0],
                version="1",
                arch="all",
                path=path,
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
                sets={"base": "extra" not in path, other_set: False},
            )
            for path, content in self.content.items()
        )
        self.lock.write_text(Lock("sid", "amd64", SNAPSHOT, packages).text())

    def serve(self, server: Server, root: str, security: str) -> None:
        for path, content in self.content.items():
            archive, _, pool = path.rpartition(":")
            server.files[f"{security if archive else root}/{pool}"] = content

    def sources(self, text: str) -> None:
        """Give apt these sources, in the place of the machine's own."""
        sources = self.apt_config.with_suffix(".list")
        sources.write_text(text)
        self.apt_config.write_text(
            f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/nonexistent";\n'
        )

    def fetch(self, *flags: str, target: str = TARGET) -> Result:
        # Names what Bazel reads anyway; unset ones are empty, so that the machine's don't count.
        unset = ("DEBIAN_MIRROR", "DEBIAN_SECURITY_MIRROR", "DEBIAN_SNAPSHOT")
        return self.checkout.bazel(
            "build",
            f"--repo_env=APT_CONFIG={self.apt_config}",
            *(f"--repo_env={name}=" for name in unset),
            *flags,
            target,
        )

    def fetched(self) -> Path:
        (folder,) = (self.checkout.output_base / "external").glob("*debian_sid_amd64_base")
        return folder


@pytest.fixture
def fixture(checkout: Checkout, tmp_path: Path, request: pytest.FixtureRequest) -> Fixture:
    unique = f"{request.node.name} {tmp_path}".encode()
    made = Fixture(
        checkout,
        tmp_path / "apt.conf",
        {
            "pool/main/a/apple/apple_1_all.deb": b"apple of " + unique,
            "security:pool/updates/main/e/extra/extra_1_all.deb": b"extra of " + unique,
        },
    )
    made.sources("")
    made.write_lock()
    return made


def check_fetched(fixture: Fixture) -> None:
    folder = fixture.fetched()
    for path, content in fixture.content.items():
        assert (folder / Path(path).name).read_bytes() == content
    packages = json.loads((folder / "packages.json").read_text())
    assert [(p["package"], p["file"], p["requested"]) for p in packages] == [
        ("apple", "apple_1_all.deb", True),
        ("extra", "extra_1_all.deb", False),
    ]
    assert [p["path"] for p in packages] == list(fixture.content)


def test_the_next_mirror_takes_over(fixture: Fixture, servers: tuple[Server, Server]) -> None:
    first, second = servers
    fixture.serve(second, "/debian", "/debian-security")
    # One file is gone from the first mirror, the other one isn't what was locked.
    first.files["/debian/pool/main/a/apple/apple_1_all.deb"] = b"something else"
    mirrors = f"{first.url}/debian {second.url}/debian/"
    result = fixture.fetch(f"--repo_env=DEBIAN_MIRROR={mirrors}")
    assert result.status == 0, result.output
    check_fetched(fixture)
    assert sorted(first.asked) == [
        "/debian-security/pool/updates/main/e/extra/extra_1_all.deb",
        "/debian/pool/main/a/apple/apple_1_all.deb",
    ]
    assert len(second.asked) == 2


def test_mirrors_of_the_hosts_apt(fixture: Fixture, servers: tuple[Server, Server]) -> None:
    main, security = servers
    fixture.serve(main, "/some/where", "/unused")
    fixture.serve(security, "/unused", "/sec")
    fixture.sources(
        "deb [arch=amd64] http://127.0.0.1:9/vendor vendor-suite main\n"
        f"deb {main.url}/some/where sid main\n"
        f"deb {security.url}/sec trixie-security main\n"
    )
    result = fixture.fetch()
    assert result.status == 0, result.output
    check_fetched(fixture)


def test_snapshot_at_the_locks_time(fixture: Fixture, servers: tuple[Server, Server]) -> None:
    mirror, snapshot = servers
    fixture.serve(
        snapshot, f"/s/archive/debian/{SNAPSHOT}", f"/s/archive/debian-security/{SNAPSHOT}"
    )
    result = fixture.fetch(
        f"--repo_env=DEBIAN_MIRROR={mirror.url}/debian",
        f"--repo_env=DEBIAN_SNAPSHOT={snapshot.url}/s",
    )
    assert result.status == 0, result.output
    check_fetched(fixture)
    assert len(mirror.asked) == 2


def test_a_vanished_file_is_one_clear_error(
    fixture: Fixture, servers: tuple[Server, Server]
) -> None:
    mirror, _ = servers
    fixture.serve(mirror, "/debian", "/debian-security")
    del mirror.files["/debian/pool/main/a/apple/apple_1_all.deb"]
    flag = f"--repo_env=DEBIAN_MIRROR={mirror.url}/debian"
    result = fixture.fetch(flag)
    assert result.status != 0
    number = fixture.lock.read_text().split("\napple ")[0].count("\n") + 2
    assert f"third_party/debian/sid_amd64.lock:{number}: apple 1" in result.errors
    assert f"{mirror.url}/debian/pool/main/a/apple/apple_1_all.deb" in result.errors
    assert "./bazelw run //tools:lock" in result.errors
    assert "extra 1" not in result.errors
    # It recovers as soon as the file is back.
    fixture.serve(mirror, "/debian", "/debian-security")
    assert fixture.fetch(flag).status == 0
    check_fetched(fixture)


def test_no_mirror_names_the_flag(fixture: Fixture) -> None:
    fixture.sources("deb http://127.0.0.1:9/vendor vendor-suite main\n")
    result = fixture.fetch()
    assert result.status != 0
    assert "no Debian mirror is known" in result.errors
    assert "--repo_env=DEBIAN_MIRROR=" in result.errors


def test_a_change_of_another_set_fetches_nothing(
    fixture: Fixture, servers: tuple[Server, Server]
) -> None:
    mirror, _ = servers
    fixture.serve(mirror, "/debian", "/debian-security")
    flag = f"--repo_env=DEBIAN_MIRROR={mirror.url}/debian"
    assert fixture.fetch(flag).status == 0
    stamp = (fixture.fetched() / "packages.json").stat().st_mtime_ns
    text = fixture.lock.read_text()
    fixture.lock.write_text(
        text + f"zebra 1 all pool/main/z/z_1_all.deb {'0' * 64} 5 new=requested\n"
    )
    result = fixture.fetch(flag)
    assert result.status == 0, result.output
    assert (fixture.fetched() / "packages.json").stat().st_mtime_ns == stamp
    assert len(mirror.asked) == 2
    # The new set is there at once, without any edit of MODULE.bazel.
    result = fixture.fetch(flag, target="@debian//sid/amd64:new")
    assert "sid_amd64.lock" in result.errors
    assert "zebra 1" in result.errors


def test_a_damaged_lock_names_its_line(fixture: Fixture) -> None:
    text = fixture.lock.read_text()
    fixture.lock.write_text(text.replace("apple 1 all", "apple 1  all"))
    result = fixture.fetch()
    assert result.status != 0
    number = text.split("\napple ")[0].count("\n") + 2
    assert f"sid_amd64.lock:{number}: malformed" in result.errors
    assert "./bazelw run //tools:lock" in result.errors
