"""Locking end to end, from a mirror made here and reached by file URLs."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.catalog import alpine as releases
from tools.catalog import fixture
from tools.catalog.catalog_error import CatalogError
from tools.catalog.mirrors import public_mirrors
from tools.formats.alpine import apk_fixtures as make
from tools.formats.alpine.rsa import fingerprint
from tools.packages.alpine import lock_alpine, lockfile
from tools.packages.alpine.mirror import Fetcher, MirrorError, find_mirrors

KEY = make.make_key("tester-1.rsa.pub")
OTHER = make.make_key("tester-2.rsa.pub")
TOOL = "depend = base\nprovides = virtual=1"
CATALOG = f"""\
repositories: [main, community]
keys: {{{KEY.name}: {fingerprint(KEY.public(), KEY.name)}}}
releases:
  alpine3.24:
    branch: v3.24
    platforms: [amd64]
    package_sets:
      base: {{packages: [base]}}
      more: {{above: base, packages: [base, tool]}}
"""


def package(name: str, more: str = "", built: int = 1_700_000_000, content: str = "") -> bytes:
    info = f"pkgname = {name}\npkgver = 1-r0\narch = x86_64\nbuilddate = {built}\n{more}"
    members = [
        (make.directory("usr"), b""),
        (make.file(f"usr/{name}", 0o644), (content or name).encode()),
    ]
    return make.make_apk(info, members, keys=[KEY])


def keys_package(*keys: make.Key) -> bytes:
    members = [(make.file(f"etc/apk/keys/{key.name}"), key.public()) for key in keys]
    return make.make_apk("pkgname = alpine-keys\npkgver = 1-r0\narch = x86_64", members)


def repository(mirror: Path, *, keys: tuple[make.Key, ...] = (KEY,), sign: make.Key = KEY) -> None:
    main = [
        package("base", "depend = so:libx.so.1"),
        package("libx", "provides = so:libx.so.1=1", built=1_710_000_000),
        keys_package(*keys),
    ]
    make.write_repository(mirror / "v3.24/main/x86_64", main, [sign])
    more = [package("tool", TOOL)]
    make.write_repository(mirror / "v3.24/community/x86_64", more, [sign])


@pytest.fixture
def top(tmp_path: Path) -> Path:
    repository(tmp_path / "mirror")
    fixture.checkout(tmp_path)
    (tmp_path / "catalog/alpine.yaml").write_text(CATALOG)
    return tmp_path


def run(top: Path, *options: str) -> int:
    mirror = (
        [] if any(o.startswith("--mirror") for o in options) else [f"--mirror=file://{top}/mirror"]
    )
    return lock_alpine.main(["alpine3.24", f"--root={top}", *mirror, *options])


def locked(top: Path) -> lockfile.Lock:
    return lockfile.read(top / "third_party/alpine/alpine3.24_x86_64.lock")


def test_a_lock_is_made_from_a_signed_mirror(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(top) == 0
    found = locked(top)
    assert [(p.name, dict(p.sets)) for p in found.packages] == [
        ("base", {"base": True, "more": True}),
        ("libx", {"base": False}),
        ("tool", {"more": True}),
    ]
    assert found.time == "20240309T160000Z"
    assert found.repositories == (
        f"file://{top}/mirror/v3.24/main",
        f"file://{top}/mirror/v3.24/community",
    )
    for locked_package in found.packages:
        data = (top / "mirror" / locked_package.path).read_bytes()
        assert locked_package.sha256 == hashlib.sha256(data).hexdigest()
        assert locked_package.size == len(data)
    assert "3 packages" in capsys.readouterr().err
    assert run(top, "--check") == 0
    assert run(top, "--image-mirror=https://mirror.example/alpine", "--check") == 1
    assert "stale" in capsys.readouterr().out


def test_what_is_locked_already_is_not_fetched_again(top: Path) -> None:
    assert run(top) == 0
    before = locked(top).text()
    for path in (top / "mirror").rglob("*.apk"):
        if not path.name.startswith("alpine-keys"):
            path.unlink()
    assert run(top) == 0
    assert locked(top).text() == before


def test_an_architecture_the_mirror_lacks_leaves_nothing_behind(
    top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = top / "catalog/alpine.yaml"
    path.write_text(CATALOG.replace("[amd64]", "[amd64, arm64]"))
    assert run(top) == 2
    error = capsys.readouterr().err
    assert "v3.24/main/aarch64/APKINDEX.tar.gz" in error
    assert "--mirror=<URL>" in error
    assert not (top / "third_party").exists()


def test_keys_count_by_their_fingerprint_only(
    top: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    assert run(top, f"--keys={folder}") == 2
    assert "none of catalog/alpine.yaml is among those found: none" in capsys.readouterr().err
    (folder / KEY.name).write_bytes(OTHER.public())
    assert run(top, f"--keys={folder}") == 2
    assert "is a key with the SHA-256" in capsys.readouterr().err
    (folder / KEY.name).write_bytes(KEY.public())
    assert run(top, f"--keys={folder}") == 0


def test_a_mirror_with_keys_of_its_own_is_refused(
    top: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(tmp_path / "evil", keys=(OTHER,), sign=OTHER)
    assert run(top, f"--mirror=file://{tmp_path}/evil") == 2
    assert "none of catalog/alpine.yaml is among those found" in capsys.readouterr().err
    repository(tmp_path / "sly", keys=(KEY, OTHER), sign=OTHER)
    assert run(top, f"--mirror=file://{tmp_path}/sly") == 2
    assert f"signed by {OTHER.name}, none of the trusted keys" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["other", "short", "missing"])
def test_packages_that_are_not_the_index_s(
    top: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = top / "mirror/v3.24/community/x86_64/tool-1-r0.apk"
    data = path.read_bytes()
    if what == "other":
        others = (package("tool", TOOL, content=f"tool {i}") for i in range(500))
        path.write_bytes(next(other for other in others if len(other) == len(data)))
        expected = "as in the index"
    elif what == "short":
        path.write_bytes(data[:-1])
        expected = "bytes, not"
    else:
        path.unlink()
        expected = "isn't available"
    assert run(top) == 2
    assert expected in capsys.readouterr().err
    assert not (top / "third_party").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[base, tool]", "[base, tuul]"), "alpine3.24_x86_64 has no package 'tuul'"),
        (
            ("[base, tool]", "[base, virtual]"),
            "has no package 'virtual'; write what provides it: tool",
        ),
        (("above: base", "above: bass"), "unknown earlier package set 'bass'"),
        (("branch: v3.24", "branch: 3.24"), "is not a branch"),
        (("platforms: [amd64]", "platforms: [amd46]"), "unknown platform 'amd46'"),
        (("alpine3.24:", "trixie:"), "is not an Alpine release"),
        (("keys: {", "keys: {x.rsa.pub: abc, "), "is not a SHA-256"),
    ],
)
def test_a_wrong_catalog(
    top: Path, change: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CATALOG.replace(*change)
    assert text != CATALOG
    (top / "catalog/alpine.yaml").write_text(text)
    assert run(top) == 2
    assert message in capsys.readouterr().err


def test_unknown_names(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lock_alpine.main(["alpine3.42", f"--root={top}", "--mirror=file:///x"]) == 2
    assert "did you mean alpine3.24?" in capsys.readouterr().err
    assert run(top, "--arch=sparc") == 2
    assert "--arch=sparc" in capsys.readouterr().err


def test_which_mirrors_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALPINE_MIRROR", raising=False)
    absent = tmp_path / "repositories"
    public = public_mirrors("alpine", "main")
    assert find_mirrors([], absent) == public
    absent.write_text(
        "# x\nhttps://one.example/alpine/v3.24/main\nhttps://one.example/alpine/v3.24/community\n"
    )
    assert find_mirrors([], absent) == ["https://one.example/alpine", *public]
    monkeypatch.setenv("ALPINE_MIRROR", "https://two.example/")
    assert find_mirrors([], absent) == ["https://two.example"]
    assert find_mirrors(["https://three.example"], absent)[0] == "https://three.example"
    with pytest.raises(MirrorError, match="no http"):
        find_mirrors(["ftp://x"])


class Handler(http.server.BaseHTTPRequestHandler):
    """Fails twice, then answers."""

    failures = 2

    def do_GET(self) -> None:
        if type(self).failures:
            type(self).failures -= 1
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def test_a_server_in_trouble_is_asked_again_and_the_next_mirror_after_it(server: str) -> None:
    Handler.failures = 2
    pauses: list[float] = []
    assert Fetcher([server], pauses.append).get("x", 2) == b"ok"
    assert len(pauses) == 2
    Handler.failures = 9
    with pytest.raises(MirrorError, match="Service Unavailable"):
        Fetcher([server], pauses.append).get("x", 2)
    Handler.failures = 0
    assert Fetcher(["file:///nowhere", server], pauses.append).get("x", 2) == b"ok"


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends zeros until the other side has enough."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(1 << 12))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endless() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def test_endless_bodies_end(endless: str) -> None:
    with pytest.raises(MirrorError, match="has more than 100000 bytes"):
        Fetcher([endless]).get("v3.24/main/x86_64/APKINDEX.tar.gz", 100_000)


def test_an_index_that_is_a_bomb(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = top / "mirror/v3.24/main/x86_64/APKINDEX.tar.gz"
    path.write_bytes(gzip.compress(bytes(1 << 29), 1))
    assert run(top) == 2
    assert "unpacks to more than 268435456 bytes" in capsys.readouterr().err


def test_a_package_larger_than_the_index_says(
    top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = top / "mirror/v3.24/community/x86_64/tool-1-r0.apk"
    path.write_bytes(path.read_bytes() + bytes(1 << 20))
    assert run(top) == 2
    assert "has more than" in capsys.readouterr().err


GOOD = """\
release alpine3.24
arch x86_64
time 20240309T160000Z
repository https://mirror.example/alpine/v3.24/main
musl 1.2.5-r1 v3.24/main/x86_64/musl-1.2.5-r1.apk {0} Q1{1}= 9 base=requested
zlib 1.3-r1 v3.24/main/x86_64/zlib-1.3-r1.apk {0} Q1{1}= 9 a=dependency,base=dependency
""".format("0" * 64, "a" * 27)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("release alpine3.24\n", ""), "'release'"),
        (
            ("repository https://mirror.example/alpine/v3.24/main\n", ""),
            "'repository' must come before",
        ),
        (("time 2024", "time x"), "bad time"),
        (("musl-1.2.5-r1.apk", "../x.apk"), "bad path"),
        (("musl-1.2.5-r1.apk", "x.apk?y.apk"), "bad path"),
        (("musl-1.2.5-r1.apk", "x.apk#y.apk"), "bad path"),
        (("zlib 1.3", "alib 1.3"), "out of order"),
        (("main/x86_64/zlib", "main/x86/zlib"), "in a lock for 'x86_64'"),
        (("0" * 64, "0" * 63), "bad SHA-256"),
        (("Q1a", "Q2a"), "bad identity"),
        (("=requested", "=wanted"), "bad package set"),
        ((" 9 a", " a"), "6 columns"),
    ],
)
def test_lock_files_that_are_refused(change: tuple[str, str], message: str) -> None:
    assert lockfile.parse(GOOD, "x").in_set("base")[1].name == "zlib"
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(lockfile.LockError, match=message):
        lockfile.parse(text, "x")


def test_the_real_catalog_is_read() -> None:
    real = releases.load(Path("catalog"))
    assert set(real.releases) >= {"alpine3.24", "alpine3.23"}
    with pytest.raises(CatalogError):
        releases.load(Path("nowhere"))
