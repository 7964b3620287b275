"""Locking several architectures from mirrors on the loopback, some of which are at fault."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tools.catalog.package_sets import PackageSet
from tools.formats.debian.deb_fixtures import make_deb
from tools.packages.debian import lock_debian, lockfile
from tools.packages.debian.archive_fixtures import Listed, Signer, write_pocket
from tools.packages.debian.lock_debian import Job, JobResult
from tools.packages.debian.lockfile import Lock, Package
from tools.packages.debian.mirrors import Mirror

needs_apt = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("apt-get", "gpg", "gpgv")),
    reason="needs apt, gpg and gpgv on the machine",
)
ARCHS = ("amd64", "arm64", "s390x")
SETS = (PackageSet("base", ("alpha", "zone"), minbase=False, above=None, debian=None),)


class Archive:
    """A mirror below a folder: the suite's pockets, each for all architectures."""

    def __init__(self, top: Path, signer: Signer) -> None:
        self.top, self.signer = top, signer
        self._debs = top / "debs"
        self._debs.mkdir(parents=True)

    def deb(self, name: str, version: str, arch: str, note: str = "", fields: str = "") -> Listed:
        """A package; `note` changes its content."""
        path = self._debs / f"{name}_{version}_{arch}{note}.deb"
        path.write_bytes(
            make_deb(
                f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\n{fields}"
                f"Description: x{note}\n"
            )
        )
        return Listed(path)

    def write(self, pocket: str, packages: Mapping[str, Sequence[Listed]]) -> None:
        """Write and sign a pocket."""
        root = "security" if pocket.endswith("-security") else "main"
        write_pocket(self.top / root, pocket, packages, ["main"], self.signer, by_hash=True)

    def fill(self, alpha: str = "1.0", note: str = "") -> None:
        """Write all pockets, with this version of `alpha`."""
        zone = self.deb("zone", "2026a", "all")
        self.write(
            "trixie",
            {arch: [self.deb("alpha", alpha, arch, note), zone] for arch in ARCHS},
        )
        self.write("trixie-updates", {arch: [] for arch in ARCHS})
        self.write("trixie-security", {arch: [] for arch in ARCHS})

    def index(self, arch: str, pocket: str = "trixie") -> Path:
        """The folder of an index."""
        root = "security" if pocket.endswith("-security") else "main"
        return self.top / root / "dists" / pocket / "main" / f"binary-{arch}"


class Server:
    """Serves archives over HTTP and counts what is asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                asked.append(self.path)

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(Handler, directory=str(folder))
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def mirror(self, name: str) -> Mirror:
        """The archive in the folder of that name."""
        return Mirror(f"{self.url}/{name}/main", f"{self.url}/{name}/security")

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("s") / "g")


@pytest.fixture
def archive(tmp_path: Path, signer: Signer) -> Archive:
    made = Archive(tmp_path / "m/one", signer)
    made.fill()
    return made


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "m").mkdir(exist_ok=True)
    found = Server(tmp_path / "m")
    yield found
    found.stop()


def run(
    tmp_path: Path,
    archive: Archive,
    mirrors: Sequence[Mirror],
    *,
    write: bool = True,
    keep: bool = False,
    add_only: bool = False,
    sets: Sequence[PackageSet] = SETS,
) -> dict[str, JobResult]:
    """Lock all architectures; the results by architecture."""
    jobs = [Job("trixie", arch, lockfile.POCKETS, tuple(sets), tuple(mirrors)) for arch in ARCHS]
    results = lock_debian.lock_all(
        jobs,
        archive.signer.keyring,
        tmp_path / "locks",
        write=write,
        keep=keep,
        add_only=add_only,
    )
    assert [result.arch for result in results] == list(ARCHS)
    return {result.arch: result for result in results}


@needs_apt
def test_each_file_is_fetched_once(tmp_path: Path, archive: Archive, server: Server) -> None:
    results = run(tmp_path, archive, [server.mirror("one")])
    assert not [result.error for result in results.values() if result.error]
    assert len(server.asked) == len(set(server.asked))
    assert len([path for path in server.asked if path.endswith("/InRelease")]) == 3
    # One for each architecture; the empty ones of updates and security are all the same bytes.
    assert len([path for path in server.asked if "/by-hash/" in path]) == len(ARCHS) + 1


@needs_apt
def test_one_fails_and_the_others_are_written(
    tmp_path: Path, archive: Archive, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(archive.index("arm64"))
    results = run(tmp_path, archive, [server.mirror("one")])
    folder = tmp_path / "locks"
    assert sorted(path.name for path in folder.iterdir()) == [
        "trixie_amd64.lock",
        "trixie_s390x.lock",
    ]
    assert lock_debian.report(list(results.values()), Path("here"), write=True) == 2
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "here/trixie_amd64.lock: written",
        "here/trixie_arm64.lock: not made",
        "here/trixie_s390x.lock: written",
    ]
    assert "lock: error: 1 of 3 locks failed:\n  here/trixie_arm64.lock: trixie/main/" in said.err
    assert f"{server.url}/one/main: 404" in said.err
    # What is mended is written by the next run, and only that.
    archive.fill()
    results = run(tmp_path, archive, [server.mirror("one")])
    assert [arch for arch, result in results.items() if result.changed] == ["arm64"]
    assert lock_debian.report(list(results.values()), Path("here"), write=True) == 0


@needs_apt
def test_an_index_of_another_day(tmp_path: Path, archive: Archive, server: Server) -> None:
    """The mirror has another index under the usual name than its signed Release file says."""
    (archive.index("arm64") / "Packages.gz").write_bytes(b"old")
    (archive.index("arm64") / "Packages").write_bytes(b"old")
    results = run(tmp_path, archive, [server.mirror("one")])
    assert not results["arm64"].error  # under its hash it's there
    shutil.rmtree(archive.index("arm64") / "by-hash")
    results = run(tmp_path, archive, [server.mirror("one")])
    assert f"{server.url}/one/main: Hash Sum mismatch" in results["arm64"].error
    assert not results["amd64"].error


@needs_apt
def test_the_next_mirror_has_the_index(tmp_path: Path, archive: Archive, server: Server) -> None:
    shutil.copytree(archive.top, tmp_path / "m/two", symlinks=True)
    shutil.rmtree(archive.index("arm64"))
    Archive(tmp_path / "m/three", archive.signer).fill("2.0")
    mirrors = [server.mirror("one"), server.mirror("three"), server.mirror("two")]
    results = run(tmp_path, archive, mirrors)
    versions = {
        arch: [package.version for package in result.after.packages if package.name == "alpha"]
        for arch, result in results.items()
        if result.after
    }
    # All architectures come from the same Release file, though another mirror has a newer one.
    assert versions == {arch: ["1.0"] for arch in ARCHS}


@needs_apt
def test_a_server_that_is_not_there_is_asked_once(
    tmp_path: Path, archive: Archive, server: Server
) -> None:
    dead = Mirror("http://127.0.0.1:9/main", "http://127.0.0.1:9/security")
    results = run(tmp_path, archive, [dead, server.mirror("one")])
    assert not [result.error for result in results.values() if result.error]


@needs_apt
def test_other_content_of_a_version(
    tmp_path: Path, archive: Archive, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run(tmp_path, archive, [server.mirror("one")])
    text = (tmp_path / "locks/trixie_amd64.lock").read_text()
    archive.fill(note="+")
    results = run(tmp_path, archive, [server.mirror("one")])
    old, result = before["amd64"].after, results["amd64"]
    assert old
    sha256 = next(package.sha256 for package in old.packages if package.name == "alpha")
    assert result.content_changed
    assert result.error.startswith(f"content of alpha 1.0 changed: lock has {sha256}, index says ")
    assert result.before == old
    assert result.after is None
    assert (tmp_path / "locks/trixie_amd64.lock").read_text() == text
    assert lock_debian.report([result], Path("here"), write=True) == 2
    assert "here/trixie_amd64.lock: not renewed" in capsys.readouterr().out


@needs_apt
def test_check_writes_nothing(tmp_path: Path, archive: Archive, server: Server) -> None:
    results = run(tmp_path, archive, [server.mirror("one")], write=False)
    assert all(result.changed for result in results.values())
    assert not (tmp_path / "locks").exists()
    assert lock_debian.report(list(results.values()), Path("here"), write=False) == 1


def versions(result: JobResult) -> dict[str, str]:
    """The version of each package now locked."""
    return (
        {package.name: package.version for package in result.after.packages} if result.after else {}
    )


@needs_apt
def test_keep(tmp_path: Path, archive: Archive, server: Server) -> None:
    """A package more, and one that is gone, without what else is newer."""
    archive.write("trixie-updates", {arch: [archive.deb("gone", "1", arch)] for arch in ARCHS})
    sets = [replace(SETS[0], packages=("alpha", "gone"))]
    mirrors = [server.mirror("one")]
    run(tmp_path, archive, mirrors, sets=sets)
    # The main archive still has alpha 1.0; updates has a newer one, and of `gone` only that.
    archive.write(
        "trixie-updates",
        {
            arch: [archive.deb("alpha", "1.1", arch), archive.deb("gone", "2", arch)]
            for arch in ARCHS
        },
    )
    sets = [replace(SETS[0], packages=("alpha", "gone", "zone"))]
    results = run(tmp_path, archive, mirrors, sets=sets, keep=True)
    assert versions(results["s390x"]) == {"alpha": "1.0", "gone": "2", "zone": "2026a"}
    results = run(tmp_path, archive, mirrors, sets=sets)
    assert versions(results["s390x"]) == {"alpha": "1.1", "gone": "2", "zone": "2026a"}


@needs_apt
def test_a_bare_set_has_what_is_named_alone(
    tmp_path: Path, archive: Archive, server: Server
) -> None:
    needs = archive.deb("needs", "1", "amd64", fields="Depends: alpha, absent\n")
    alpha = archive.deb("alpha", "1.0", "amd64", fields="Depends: zone\n")
    zone = archive.deb("zone", "2026a", "all")
    archive.write("trixie", {arch: [needs, alpha, zone] for arch in ARCHS})
    rows = [("lean", ("needs", "zone"), None), ("upper", ("alpha", "zone"), "lean")]
    sets = [
        PackageSet(name, packages, minbase=False, above=above, debian=None, bare=True)
        for name, packages, above in rows
    ]
    result = run(tmp_path, archive, [server.mirror("one")], sets=sets)["amd64"]
    assert result.error == ""
    assert result.after
    assert {package.name: dict(package.sets) for package in result.after.packages} == {
        "alpha": {"upper": True},
        "needs": {"lean": True},
        "zone": {"lean": True, "upper": True},
    }
    sets = [replace(sets[0], packages=("needs", "unknown"))]
    error = run(tmp_path, archive, [server.mirror("one")], sets=sets)["amd64"].error
    assert "trixie has no package 'unknown' for amd64" in error


def test_what_cannot_be_kept(tmp_path: Path, archive: Archive, server: Server) -> None:
    mirrors = [server.mirror("one")]
    run(tmp_path, archive, mirrors)
    more = {
        arch: [
            archive.deb("alpha", "1.1", arch),
            archive.deb("needs", "1", arch, fields="Depends: alpha (>= 1.1)\n"),
        ]
        for arch in ARCHS
    }
    archive.write("trixie-updates", more)
    sets = [replace(SETS[0], packages=("alpha", "needs"))]
    error = run(tmp_path, archive, mirrors, sets=sets, keep=True)["amd64"].error
    assert error.endswith("lock without --keep")
    assert not run(tmp_path, archive, mirrors, sets=sets)["amd64"].error


@needs_apt
def test_adding_changes_no_line(tmp_path: Path, archive: Archive, server: Server) -> None:
    """Two packages more: those that the archive has superseded stay, and what needs them fits."""
    both = "Depends: shared (= {0})\nBreaks: shared (<< {0})\n"
    zone = archive.deb("zone", "2026a", "all")
    old = [("alpha", "1.0", both.format("1.0-2")), ("shared", "1.0-2", "")]
    archive.write(
        "trixie",
        {arch: [*(archive.deb(n, v, arch, fields=f) for n, v, f in old), zone] for arch in ARCHS},
    )
    mirrors = [server.mirror("one")]
    before = run(tmp_path, archive, mirrors, sets=[replace(SETS[0], packages=("alpha",))])
    assert [result.error for result in before.values()] == ["", "", ""]
    path = tmp_path / "locks/trixie_s390x.lock"
    lines = path.read_text().splitlines()
    new = [
        ("alpha", "1.1", both.format("1.1-1")),
        ("shared", "1.1-1", ""),
        ("more", "7", "Depends: shared (>= 1.0), other\n"),
        ("other", "1", ""),
        ("newer", "1", "Depends: shared (>= 1.1)\n"),
    ]
    archive.write(
        "trixie",
        {arch: [*(archive.deb(n, v, arch, fields=f) for n, v, f in new), zone] for arch in ARCHS},
    )
    sets = [replace(SETS[0], packages=("alpha", "more"))]
    results = run(tmp_path, archive, mirrors, sets=sets, add_only=True)
    assert not [result.error for result in results.values() if result.error]
    assert versions(results["s390x"]) == {
        "alpha": "1.0",
        "more": "7",
        "other": "1",
        "shared": "1.0-2",
    }
    assert [line for line in lines if line not in path.read_text().splitlines()] == []
    after, first = results["s390x"].after, before["s390x"].after
    assert after
    assert first
    assert after.earlier == (first.snapshot,)
    assert lockfile.read(path) == after
    # Once more, there is nothing to do; and what needs newer ones says so.
    again = run(tmp_path, archive, mirrors, sets=sets, add_only=True)
    assert not again["s390x"].changed
    sets = [replace(SETS[0], packages=("alpha", "newer"))]
    error = run(tmp_path, archive, mirrors, sets=sets, add_only=True)["amd64"].error
    assert error.endswith("lock without --add-only")
    # A lock of the current packages has one time.
    results = run(tmp_path, archive, mirrors, sets=sets)
    assert versions(results["s390x"])["shared"] == "1.1-1"
    renewed = results["s390x"].after
    assert renewed
    assert renewed.earlier == ()


def package(name: str, path: str, sha256: str = "a" * 64) -> Package:
    return Package(name, "1", "all", path, sha256, 1, {"base": False})


def test_a_package_that_moved_is_no_change() -> None:
    """A point release moves security updates to the main archive."""
    old = Lock(
        "trixie",
        "amd64",
        "20261101T000000Z",
        (package("aa", "security:pool/updates/main/a/aa.deb"),),
    )
    moved = replace(
        old, snapshot="20261201T000000Z", packages=(package("aa", "pool/main/a/aa.deb"),)
    )
    assert lock_debian.differences(old, moved) == []
    assert lock_debian.settled(old, moved) == old
    # With another change, it keeps its line.
    new = replace(moved, packages=(*moved.packages, package("bb", "pool/main/b/bb.deb")))
    assert lock_debian.settled(old, new).packages == (*old.packages, new.packages[1])
    assert lock_debian.differences(old, new) == ["+ bb 1"]


def test_a_damaged_lock_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trixie_amd64.lock"
    path.write_text("suite trixie\n")
    new = Lock("trixie", "amd64", "20261101T000000Z", (package("aa", "pool/main/a/aa.deb"),))
    job = Job("trixie", "amd64", lockfile.POCKETS, (), ())
    result = lock_debian.run_job(job, path, lambda _: new, write=True)
    assert (result.before, result.after, result.changed) == (None, new, True)
    assert "replacing a damaged lock" in capsys.readouterr().err
    assert lockfile.read(path) == new
