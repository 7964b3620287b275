"""Where locked Debian packages are fetched from: several mirrors, the host's apt, public mirrors.

A lock for a made-up suite is added to a scratch copy of the checkout, and served by mirrors on the
loopback; one of them is all that the copy's catalog has of public ones. Each test locks content of
its own, so that no cache has it.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.packages.debian.lockfile import Lock, Package
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
def three() -> Iterator[tuple[Server, Server, Server]]:
    made = (Server(), Server(), Server())
    running = []
    for server in made:

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
    yield made
    for http in running:
        http.shutdown()
        http.server_close()


@pytest.fixture
def servers(three: tuple[Server, Server, Server]) -> tuple[Server, Server]:
    return three[:2]


@pytest.fixture
def public(three: tuple[Server, Server, Server]) -> Server:
    """All that the catalog of the checkout has of public mirrors."""
    return three[2]


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
        """Give apt these sources instead of the machine's own."""
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
def fixture(
    checkout: Checkout, public: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> Fixture:
    catalog = checkout.path / "catalog/mirrors.json"
    mirrors = json.loads(catalog.read_text())
    mirrors["debian"] = {
        "main": [f"{public.url}/public"],
        "security": [f"{public.url}/security"],
        "snapshot": f"{public.url}/snapshot",
    }
    catalog.write_text(json.dumps(mirrors))
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
    # What the first mirror has isn't what was locked.
    first.files["/debian/pool/main/a/apple/apple_1_all.deb"] = b"something else"
    mirrors = f"{first.url}/debian {second.url}/debian/"
    result = fixture.fetch(f"--repo_env=DEBIAN_MIRROR={mirrors}")
    assert result.status == 0, result.output
    check_fetched(fixture)
    # It isn't asked first for the others.
    assert first.asked == ["/debian/pool/main/a/apple/apple_1_all.deb"]
    assert len(second.asked) == 2


def test_mirrors_of_the_hosts_apt(
    fixture: Fixture, servers: tuple[Server, Server], public: Server
) -> None:
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
    # Nobody else is asked, and nothing is said of mirrors.
    assert public.asked == []
    assert "WARNING: Download from" not in result.output


def without_apt(folder: Path) -> str:
    """A PATH on which all programs of this machine are, but apt-get."""
    folder.mkdir()
    for directory in reversed(os.get_exec_path()):
        for program in Path(directory).glob("*"):
            (folder / program.name).unlink(missing_ok=True)
            (folder / program.name).symlink_to(program)
    (folder / "apt-get").unlink(missing_ok=True)
    return str(folder)


@pytest.mark.parametrize("host", ["ubuntu", "vendor", "no apt"])
def test_a_host_without_debian_needs_no_configuration(
    fixture: Fixture, public: Server, host: str, tmp_path: Path
) -> None:
    fixture.serve(public, "/public", "/security")
    # An address that refuses: Debian's packages aren't asked of it.
    root = "http://127.0.0.1:9/" + host.replace(" ", "")
    if host == "ubuntu":
        fixture.sources(
            f"deb {root} noble main universe\n"
            f"deb {root} noble-updates main universe\n"
            f"deb {root} noble-security main universe\n"
        )
    if host == "vendor":
        fixture.sources(f"deb {root} vendor-suite main\n")
    flags = [f"--repo_env=PATH={without_apt(tmp_path / 'bin')}"] if host == "no apt" else []
    result = fixture.fetch(*flags)
    assert result.status == 0, result.output
    check_fetched(fixture)
    assert len(public.asked) == 2
    assert "WARNING: Download from" not in result.output


def test_a_security_update_that_moved_to_the_main_archive(
    fixture: Fixture, servers: tuple[Server, Server]
) -> None:
    mirror, _ = servers
    for path, content in fixture.content.items():
        pool = path.rpartition(":")[2].replace("pool/updates/", "pool/")
        mirror.files[f"/debian/{pool}"] = content
    result = fixture.fetch(f"--repo_env=DEBIAN_MIRROR={mirror.url}/debian")
    assert result.status == 0, result.output
    check_fetched(fixture)


def test_what_mirrors_dropped_is_in_the_public_snapshot(fixture: Fixture, public: Server) -> None:
    fixture.serve(
        public,
        f"/snapshot/archive/debian/{SNAPSHOT}",
        f"/snapshot/archive/debian-security/{SNAPSHOT}",
    )
    result = fixture.fetch()
    assert result.status == 0, result.output
    check_fetched(fixture)


def test_a_dead_mirror_is_waited_for_once(fixture: Fixture, public: Server) -> None:
    (apple, *_) = fixture.content.values()
    for number in range(20):
        path = f"pool/main/m/more/more{number}_1_all.deb"
        fixture.content[path] = b"more%d beside " % number + apple
    fixture.write_lock()
    fixture.serve(public, "/public", "/security")
    result = fixture.fetch("--repo_env=DEBIAN_MIRROR=http://127.0.0.1:9/debian")
    assert result.status == 0, result.output
    assert result.output.count("WARNING: Download from http://127.0.0.1:9/") == 1, result.output
    assert len(public.asked) == 22


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
    assert mirror.asked == ["/debian/pool/main/a/apple/apple_1_all.deb"]


@pytest.mark.parametrize(
    ("name", "other", "url"),
    [
        ("apple", "extra", "/debian/pool/main/a/apple/apple_1_all.deb"),
        ("extra", "apple", "/debian-security/pool/updates/main/e/extra/extra_1_all.deb"),
    ],
)
def test_a_vanished_file_is_one_clear_error(
    fixture: Fixture, servers: tuple[Server, Server], name: str, other: str, url: str
) -> None:
    mirror, _ = servers
    fixture.serve(mirror, "/debian", "/debian-security")
    del mirror.files[url]
    flag = f"--repo_env=DEBIAN_MIRROR={mirror.url}/debian"
    result = fixture.fetch(flag)
    assert result.status != 0
    number = fixture.lock.read_text().split(f"\n{name} ")[0].count("\n") + 2
    assert f"third_party/debian/sid_amd64.lock:{number}: {name} 1" in result.errors
    assert mirror.url + url in result.errors
    assert "./bazelw --bazelw-lock --keep --suite=sid --arch=amd64" in result.errors
    assert f"{other} 1" not in result.errors
    # It recovers as soon as the file is back.
    fixture.serve(mirror, "/debian", "/debian-security")
    assert fixture.fetch(flag).status == 0
    check_fetched(fixture)


def test_nobody_has_anything(fixture: Fixture, public: Server) -> None:
    fixture.sources("deb http://127.0.0.1:9/vendor vendor-suite main\n")
    result = fixture.fetch()
    assert result.status != 0
    for url in (
        f"{public.url}/public/pool/main/a/apple/apple_1_all.deb",
        f"{public.url}/snapshot/archive/debian/{SNAPSHOT}/pool/main/a/apple/apple_1_all.deb",
        "Not tried: 1 more of the set.",
        "--repo_env=DEBIAN_MIRROR=",
        "--repo_env=DEBIAN_SNAPSHOT=",
    ):
        assert url in result.errors, result.errors
    assert len(public.asked) == 2


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
    assert "./bazelw --bazelw-lock --keep --suite=sid --arch=amd64" in result.errors
