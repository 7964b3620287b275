"""Renewing Ubuntu's, Alpine's and Windows' locks: new, unchanged, changed content, out of reach."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.catalog import fixture
from tools.formats.alpine import apk_fixtures as make
from tools.formats.alpine.rsa import fingerprint
from tools.oci.assembler.spec import DOCKER_MANIFEST
from tools.oci.registry.fake_registry import FakeRegistry
from tools.packages.alpine import lock_alpine as alpine
from tools.packages.debian import lock_debian as debian
from tools.packages.debian import lockfile
from tools.packages.debian.lockfile import Lock, Package
from tools.packages.debian.resolve import ResolveError
from tools.packages.ubuntu import lock_ubuntu as ubuntu
from tools.packages.windows import lock_windows as windows
from tools.packages.windows import lockfile as windows_lockfile
from tools.update import other_locks
from tools.windows.windows_fixtures import Base, digest

KEY = make.make_key("tester-1.rsa.pub")
ALPINE = f"""\
repositories: [main]
keys: {{{KEY.name}: {fingerprint(KEY.public(), KEY.name)}}}
releases:
  alpine3.24:
    branch: v3.24
    platforms: [amd64]
    package_sets:
      base: {{packages: [base]}}
"""
ALPINE_LOCK = "third_party/alpine/alpine3.24_x86_64.lock"
WINDOWS_LOCK = "third_party/windows/ltsc2025.lock"


@pytest.fixture(name="root")
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without any lock, on a machine that knows no mirror and no registry."""
    for variable in ("ALPINE_MIRROR", "UBUNTU_MIRROR", "UBUNTU_PORTS_MIRROR", "WINDOWS_REGISTRY"):
        monkeypatch.delenv(variable, raising=False)
    return fixture.checkout(tmp_path / "checkout")


def test_a_checkout_without_such_locks(root: Path) -> None:
    assert other_locks.renew(root, ()) == other_locks.Others()


def alpine_mirror(folder: Path, version: str, content: str = "x") -> None:
    """A mirror that has one version of the package `base`, and the keys."""
    shutil.rmtree(folder, ignore_errors=True)
    info = f"pkgname = base\npkgver = {version}\narch = x86_64\nbuilddate = 1700000000\n"
    base = make.make_apk(info, [(make.file("usr/base"), content.encode())], keys=[KEY])
    keys = make.make_apk(
        "pkgname = alpine-keys\npkgver = 1-r0\narch = x86_64",
        [(make.file(f"etc/apk/keys/{KEY.name}"), KEY.public())],
    )
    make.write_repository(folder / "v3.24/main/x86_64", [base, keys], [KEY])


@pytest.fixture(name="mirror")
def _mirror(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of Alpine; the checkout has a lock of its release, whose images ask another one."""
    folder = root.parent / "mirror"
    alpine_mirror(folder, "1-r0")
    (root / "catalog/alpine.yaml").write_text(ALPINE)
    monkeypatch.setenv("ALPINE_MIRROR", f"file://{folder}")
    asked = ["alpine3.24", f"--root={root}", "--image-mirror=https://images.example/alpine"]
    assert alpine.main(asked) == 0
    return folder


def test_alpine(root: Path, mirror: Path) -> None:
    assert other_locks.renew(root, ()) == other_locks.Others()
    alpine_mirror(mirror, "1-r1", "y")
    before = (root / ALPINE_LOCK).read_text()
    made = other_locks.renew(root, ())
    assert made.changes == ["lock of alpine3.24_x86_64: 1 package changed\n`base 1-r0 -> 1-r1`"]
    assert list(made.files) == [ALPINE_LOCK]
    # Images go on asking the mirror they were locked for, and nothing is written here.
    assert "repository https://images.example/alpine/v3.24/main\n" in made.files[ALPINE_LOCK]
    assert (root / ALPINE_LOCK).read_text() == before


def test_alpine_replaces_no_version(root: Path, mirror: Path) -> None:
    alpine_mirror(mirror, "1-r0", "other")
    made = other_locks.renew(root, ())
    assert not made.files
    assert not made.failures
    assert len(made.alarms) == 1
    assert made.alarms[0].startswith("lock of alpine3.24_x86_64: base 1-r0: has other content")


def test_alpine_out_of_reach(root: Path, mirror: Path) -> None:
    shutil.rmtree(mirror)
    made = other_locks.renew(root, ())
    assert not made.files
    assert [line.splitlines()[0] for line in made.failures] == [
        "lock of alpine3.24_x86_64: a file isn't available:"
    ]


def test_a_damaged_lock_is_named(root: Path, mirror: Path) -> None:
    assert mirror
    (root / ALPINE_LOCK).write_text("release alpine3.24\n")
    made = other_locks.renew(root, ())
    assert len(made.failures) == 1
    assert "alpine3.24_x86_64" in made.failures[0]


@pytest.fixture(name="registry")
def _registry(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """A registry with a base image that the checkout has locked."""
    file = root / "catalog/windows.yaml"
    file.write_text(
        file.read_text().replace("releases: {}", "releases: {ltsc2025: {build: 10.0.26100}}")
    )
    with FakeRegistry() as made:
        serve(made, Base())
        monkeypatch.setenv("WINDOWS_REGISTRY", made.host)
        assert windows.main(["ltsc2025", f"--root={root}"]) == 0
        yield made


def serve(registry: FakeRegistry, base: Base) -> None:
    registry.manifests["ltsc2025"] = (DOCKER_MANIFEST, base.manifest)
    registry.manifests[digest(base.manifest)] = (DOCKER_MANIFEST, base.manifest)
    registry.blobs[digest(base.configuration)] = base.configuration


def test_windows(root: Path, registry: FakeRegistry) -> None:
    assert other_locks.renew(root, ()) == other_locks.Others()
    serve(registry, Base(os_version="10.0.26100.5000"))
    made = other_locks.renew(root, ())
    assert len(made.changes) == 1
    assert "10.0.26100.5000" in made.changes[0]
    (root / WINDOWS_LOCK).write_text(made.files[WINDOWS_LOCK])
    assert windows_lockfile.read(root / WINDOWS_LOCK).os_version == "10.0.26100.5000"


def test_windows_without_a_registry(
    root: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry
    monkeypatch.delenv("WINDOWS_REGISTRY")
    made = other_locks.renew(root, ())
    assert made.failures == [f"lock of ltsc2025: {windows.NO_REGISTRY}"]


def package(version: str, content: str = "a") -> Package:
    path = f"pool/main/o/openssl/openssl_{version}_all.deb"
    sha256 = (content * 64)[:64]
    return Package("openssl", version, "all", path, sha256, 1000, {"base": True})


@pytest.fixture(name="noble")
def _noble(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[Package]:
    """What an archive of Ubuntu has; noble is locked for amd64, with its build lock."""
    file = root / "catalog/ubuntu.yaml"
    if not file.exists():
        pytest.fail("the fixture's catalog has no ubuntu.yaml")
    packages = [package("3.0-1")]
    sources = lockfile.Sources("https://images.example/ubuntu", "https://images.example/ubuntu")
    for build in (False, True):
        lock = Lock(
            "noble", "amd64", "20261120T000000Z", tuple(packages), sources=sources, build=build
        )
        path = root / ubuntu.LOCKS / f"{lockfile.stem('noble', 'amd64', build=build)}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        lockfile.write(path, lock)

    def resolved(job: debian.Job, *rest: object) -> Lock:
        assert not job.build
        return Lock(
            job.suite, job.arch, "20261130T000000Z", tuple(packages), job.pockets, job.sources
        )

    @contextlib.contextmanager
    def keys(given: str | None) -> Iterator[Path]:
        yield Path(given or "/nonexistent")

    monkeypatch.setattr(debian, "resolve_lock", resolved)
    monkeypatch.setattr(ubuntu, "keyring_file", keys)
    monkeypatch.setenv("UBUNTU_MIRROR", "http://127.0.0.1:9/ubuntu")
    monkeypatch.setenv("UBUNTU_PORTS_MIRROR", "http://127.0.0.1:9/ubuntu-ports")
    return packages


def test_ubuntu(root: Path, noble: list[Package]) -> None:
    assert other_locks.renew(root, ()) == other_locks.Others()
    noble[0] = package("3.0-2")
    made = other_locks.renew(root, ())
    assert made.changes == ["lock of noble_amd64: 1 package changed\n`openssl 3.0-1 -> 3.0-2`"]
    text = made.files["third_party/ubuntu/noble_amd64.lock"]
    assert "mirror https://images.example/ubuntu\n" in text


def test_ubuntu_replaces_no_version(root: Path, noble: list[Package]) -> None:
    noble[0] = package("3.0-1", "b")
    made = other_locks.renew(root, ())
    assert not made.files
    assert len(made.alarms) == 1
    assert "content of openssl 3.0-1 changed" in made.alarms[0]
    assert other_locks.renew(root, ["openssl=3.0-1"]).files


def test_ubuntu_out_of_reach(
    root: Path, noble: list[Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert noble

    def failing(job: debian.Job, *rest: object) -> Lock:
        raise ResolveError("no mirror answers")

    monkeypatch.setattr(debian, "resolve_lock", failing)
    made = other_locks.renew(root, ())
    assert made.failures == ["lock of noble_amd64: no mirror answers"]


def test_one_that_fails_keeps_no_other(root: Path, mirror: Path, noble: list[Package]) -> None:
    shutil.rmtree(mirror)
    noble[0] = replace(package("3.0-2"), size=2000)
    made = other_locks.renew(root, ())
    assert list(made.files) == ["third_party/ubuntu/noble_amd64.lock"]
    assert len(made.failures) == 1
