"""The update against recorded answers: what it changes, keeps, refuses and says."""

from __future__ import annotations

import io
import lzma
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tools.catalog import fixture, load
from tools.modules import facts
from tools.packages.debian import lock_debian, lockfile, resolve
from tools.packages.debian.lockfile import Lock, Package
from tools.pages import outputs
from tools.update import debian, other_locks, transaction, update
from tools.update.failing_disk import FailingDisk
from tools.update.fake_sources import DEBIAN_CSV, Sources, archive, serve, sha256, source
from tools.update.fetch import Fetcher, UnreachableError
from tools.update.other_locks import Others

Run = Callable[..., int]
REGISTRY = "https://registry.example"
BAZELW = """\
#!/bin/sh
echo "$*" >>../calls
grep -q BREAKS catalog/*.yaml && [ "$1" = query ] && echo "ERROR: no such target" && exit 7
[ ! -e ../failing ] || [ "$1" != test ] || { echo "FAIL: //a:test"; exit 3; }
"""


class Debian:
    """What resolving gives: a lock by name, or why there is none."""

    def __init__(self) -> None:
        self.packages: dict[str, list[Package]] = {}
        self.broken: dict[str, str] = {}
        self.jobs: list[lock_debian.Job] = []

    def resolve(self, job: lock_debian.Job, *rest: object) -> Lock:
        assert rest
        self.jobs.append(job)
        why = self.broken.get(job.name)
        if why is not None and ("security" in job.pockets or "all of it" in why):
            raise resolve.ResolveError(why)
        packages = self.packages.get(job.name, self.packages[""])
        return Lock(
            job.suite, job.arch, "20261201T000000Z", tuple(packages), job.pockets, build=job.build
        )

    def put(self, package: Package) -> None:
        """Let every suite have a package in place of the one of that name."""
        self.packages[""] = sorted(
            [*(one for one in self.packages[""] if one.name != package.name), package],
            key=lambda one: one.name,
        )


def package(name: str, version: str, content: str = "a", *, secure: bool = False) -> Package:
    pool = "security:pool/updates/main" if secure else "pool/main"
    path = f"{pool}/{name[0]}/{name}/{name}_{version}_all.deb"
    return Package(name, version, "all", path, sha256(content.encode()), 1_000_000, {"base": False})


LOCKED = (package("base-files", "13.1"), package("openssl", "3.5.4-1", "old"))


@pytest.fixture(name="archive")
def _archive(monkeypatch: pytest.MonkeyPatch) -> Debian:
    made = Debian()
    made.packages[""] = list(LOCKED)
    monkeypatch.setattr(lock_debian, "resolve_lock", made.resolve)
    monkeypatch.setattr(resolve, "require_apt", lambda: None)
    monkeypatch.setattr(resolve, "find_keyring", lambda given: Path("/nonexistent"))
    return made


@pytest.fixture(name="template", scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that is up to date, with a ./bazelw that notes what it is asked."""
    root = tmp_path_factory.mktemp("template")
    fixture.checkout(root)
    (root / "MODULE.bazel").write_text('bazel_dep(name = "platforms", version = "0.0.11")\n')
    (root / "bazelw").write_text(BAZELW)
    (root / "bazelw").chmod(0o755)
    recorded = root / facts.FILE
    recorded.parent.mkdir(parents=True)
    known = facts.Module(("0.0.10", "0.0.11"), {})
    recorded.write_text(facts.Facts(REGISTRY, "2026-05-01", {"platforms": known}).text())
    (root / lock_debian.LOCKS / lockfile.BUILD).mkdir(parents=True)
    catalog = load.load(root / "catalog")
    for suite in catalog.suites.values():
        for platform in suite.platforms:
            pockets = lockfile.POCKETS if platform in suite.security else ("main", "updates")
            for build in (False, True):
                made = Lock(
                    suite.name,
                    catalog.platforms[platform].debian,
                    "20261120T000000Z",
                    LOCKED,
                    pockets,
                    build=build,
                )
                stem = lockfile.stem(made.suite, made.arch, build=build)
                lockfile.write(root / lock_debian.LOCKS / f"{stem}.lock", made)
    outputs.refresh(root)
    return root


@pytest.fixture(name="checkout")
def _checkout(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: Debian
) -> Path:
    """A copy of the template; what else the mirror has is in ``archive``."""
    assert archive.packages
    root = tmp_path / "checkout"
    shutil.copytree(template, root)
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(root))
    return root


def tree(root: Path) -> dict[str, bytes]:
    """All files of a checkout and their content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def locked(checkout: Path, name: str) -> dict[str, Package]:
    """The packages of a lock in the checkout, by name."""
    found = lockfile.read(checkout / lock_debian.LOCKS / f"{name}.lock")
    return {one.name: one for one in found.packages}


@pytest.fixture(name="sources")
def _sources() -> Sources:
    made = Sources()
    made.python_org("3.14.7", "2026-08-05", source("3.14.7"))
    made.python_org("3.13.15", "2026-08-05", source("3.13.15"))
    made.suite("trixie", "13.7")
    made.suite("bookworm", "12.15")
    made.suite("testing", "")
    made.debian("python3.14", "python3.14_3.14.7.orig.tar.xz", source("3.14.7"))
    made.debian(
        "distro-info-data",
        "distro-info-data_2026.1.tar.xz",
        archive({"distro-info-data/debian.csv": DEBIAN_CSV}),
    )
    made.module("platforms", ["0.0.10", "0.0.11"])
    made.put_json("/api/release-cycle.json", {"3.14": {"end_of_life": "2030-10"}})
    return made


@pytest.fixture(name="run")
def _run(sources: Sources, checkout: Path) -> Iterator[Run]:
    assert checkout.is_dir()
    with serve(sources) as address:

        def run(*arguments: str) -> int:
            return update.main(
                [
                    f"--python-org={address}",
                    f"--peps={address}",
                    f"--mirror={address}/debian",
                    f"--registry={address}",
                    "--debian-suite=sid",
                    "--unsigned",
                    "--distro-info=/nonexistent",
                    "--today=2026-06-01",
                    *arguments,
                ]
            )

        yield run


def versions(checkout: Path) -> str:
    return (checkout / "catalog" / "versions.yaml").read_text()


def test_nothing_new(run: Run, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(checkout)
    assert run("--check") == 0
    assert "Everything is up to date." in capsys.readouterr().out
    assert run() == 0
    assert tree(checkout) == before
    assert not (checkout.parent / "calls").exists()


def test_a_patch_release_changes_its_row_and_nothing_else(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    content = source("3.14.8")
    sources.python_org("3.14.8", "2026-10-07", content)
    sources.debian("python3.14", "python3.14_3.14.8.orig.tar.xz", content)
    before = versions(checkout)
    everything = tree(checkout)
    assert run("--check") == 1
    assert tree(checkout) == everything
    # For a plan the source itself isn't fetched.
    assert "Python 3.14.8 from" not in capsys.readouterr().err
    assert run() == 1
    captured = capsys.readouterr()
    assert "- CPython 3.14.7 → 3.14.8 (python.org, Debian)\n" in captured.out
    assert (
        "to compile: CPython 3.14.8 on trixie for 8 platforms, on bookworm for 8 platforms\n"
        in captured.out
    )
    calls = (checkout.parent / "calls").read_text().splitlines()
    assert [line.split()[0] for line in calls] == ["query", "test"]
    assert "- `dockerfiles/3.14/slim-trixie/Dockerfile`\n" in captured.out
    assert "fetched Python 3.14.8 from python.org" in captured.err
    old, new = before.splitlines(), versions(checkout).splitlines()
    changed = [(one, two) for one, two in zip(old, new, strict=True) if one != two]
    assert [two.strip() for _, two in changed] == [
        "- version: 3.14.8",
        f"sha256: {sha256(content)}",
        "released: 2026-10-07",
    ]
    assert "3.14.8" in (checkout / "dockerfiles/3.14/slim-trixie/Dockerfile").read_text()
    assert run("--check") == 0


def test_keep_adds_a_row(run: Run, checkout: Path, sources: Sources) -> None:
    sources.python_org("3.13.16", "2026-10-07", source("3.13.16"))
    sources.debian("python3.13", "python3.13_3.13.16.orig.tar.xz", source("3.13.16"))
    assert run("--keep") == 1
    loaded = load.load(checkout / "catalog")
    assert list(loaded.versions) == ["3.14.7", "3.13.16", "3.13.15"]


def test_a_pre_release_follows_its_line_to_the_final_one(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.python_org("3.15.0rc1", "2026-07-28", source("3.15.0rc1"), bundle=True)
    assert run("--check") == 1
    assert (
        "CPython 3.15.0rc1 exists: begin to build it with `./bazelw run //tools:update -- --add"
        in (capsys.readouterr().out)
    )
    assert run("--add", "3.15") == 1
    assert next(iter(load.load(checkout / "catalog").versions)) == "3.15.0rc1"
    sources.python_org("3.15.0", "2026-10-01", source("3.15.0"))
    assert run() == 1
    assert list(load.load(checkout / "catalog").versions) == ["3.15.0", "3.14.7", "3.13.15"]
    assert run("--add", "3.15") == 2


def test_a_final_release_has_no_pre_release_as_successor(
    run: Run, checkout: Path, sources: Sources
) -> None:
    sources.python_org("3.14.8rc1", "2026-10-07", source("3.14.8rc1"))
    assert run("--check") == 0


def test_debian_alone_is_enough(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in [path for path in sources.files if path.startswith(("/api", "/ftp"))]:
        del sources.files[path]
    sources.debian("python3.13", "python3.13_3.13.16.orig.tar.xz", source("3.13.16"))
    sources.debian("python3.13", "python3.13_3.13.17.orig.tar.xz", source("3.13.17"), gone=True)
    assert run() == 1
    text = capsys.readouterr().out
    assert "- CPython 3.13.15 → 3.13.16 (Debian)\n" in text
    assert "CPython 3.13.17 is announced, but http://127.0.0.1" in text
    assert "answers 404" in text
    assert re.search(r"- python\.org: http://127\.0\.0\.1.*answers 404", text)
    assert load.load(checkout / "catalog").versions["3.13.16"].released.isoformat() == "2026-08-05"


def test_ends_of_support_and_point_releases(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.suite("trixie", "13.8")
    sources.put_json("/api/release-cycle.json", {"3.13": {"end_of_life": "2030-02"}})
    sources.debian(
        "distro-info-data",
        "distro-info-data_2026.2.tar.xz",
        archive({"distro-info-data/debian.csv": DEBIAN_CSV.replace("2026-07-11", "2026-08-11")}),
    )
    suites = checkout / "catalog" / "suites.yaml"
    suites.write_text(suites.read_text().replace('    point_release: "13.7"\n', ""))
    assert run("--today=2026-12-01") == 1
    text = capsys.readouterr().out
    assert "- Debian trixie of unknown release → 13.8\n" in text
    assert "- Debian bookworm is supported until 2026-08-11 (was 2026-07-11)\n" in text
    assert "- CPython 3.13 is supported until 2030-02-28 (was 2029-10-31)\n" in text
    assert "- Debian bookworm has had no regular support since 2026-08-11" in text
    loaded = load.load(checkout / "catalog")
    assert loaded.suites["trixie"].point_release == "13.8"
    assert loaded.minors["3.13"].eol.isoformat() == "2030-02-28"
    assert "# Debian suites images are built on." in suites.read_text()


def test_an_announced_release_that_nobody_has_is_news(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8"))
    del sources.files["/ftp/python/3.14.8/Python-3.14.8.tar.xz"]
    before = tree(checkout)
    assert run("--check") == 1
    assert run() == 1
    text = capsys.readouterr().out
    assert "### Not available yet\n\n- CPython 3.14.8 is announced, but http://127.0.0.1" in text
    assert "Python-3.14.8.tar.xz answers 404" in text
    assert tree(checkout) == before


def test_locks_are_renewed_without_a_point_release(
    run: Run, checkout: Path, archive: Debian, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.put(package("openssl", "3.5.5-1", "new", secure=True))
    assert run() == 1
    for suite, arch in (("trixie", "amd64"), ("bookworm", "mips64el")):
        assert locked(checkout, f"{suite}_{arch}")["openssl"].version == "3.5.5-1"
    text = capsys.readouterr().out
    assert (
        "| openssl | trixie | 3.5.4-1 → 3.5.5-1 | security update | base | amd64, arm64, " in text
    )
    assert "trixie slim: layers base, slim of 2 images, on amd64, arm64, " in text
    assert "to fetch: 1.0 MB of packages" in text
    assert "to compile" not in text
    assert run() == 0


def test_a_lock_that_can_not_be_had_leaves_the_others_theirs(
    run: Run, checkout: Path, sources: Sources, archive: Debian, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.put(package("openssl", "3.5.5-1", "new"))
    archive.broken["trixie_armel"] = "all of it: Packages.xz has an unexpected size"
    sources.suite("trixie", "13.8")
    sources.suite("bookworm", "12.16")
    assert run() == 2
    text = capsys.readouterr().out
    assert "- lock of trixie_armel: all of it: Packages.xz has an unexpected size" in text
    assert "- Debian trixie 13.8 is out; the catalog says so when all locks of trixie" in text
    assert locked(checkout, "trixie_armel")["openssl"].version == "3.5.4-1"
    assert locked(checkout, "trixie_amd64")["openssl"].version == "3.5.5-1"
    loaded = load.load(checkout / "catalog")
    assert loaded.suites["trixie"].point_release == "13.7"
    assert loaded.suites["bookworm"].point_release == "12.16"
    # The next run tries again, and says so until it succeeds.
    assert run() == 2
    archive.broken.clear()
    assert run() == 1
    assert load.load(checkout / "catalog").suites["trixie"].point_release == "13.8"
    assert run() == 0


def test_a_lock_keeps_the_parts_of_the_archive_that_it_had(
    run: Run, checkout: Path, archive: Debian, capsys: pytest.CaptureFixture[str]
) -> None:
    file = checkout / lock_debian.LOCKS / "trixie_armel.lock"
    lockfile.write(file, replace(lockfile.read(file), pockets=("main", "updates")))
    archive.put(package("openssl", "3.5.5-1", "new"))
    archive.broken["trixie_armel"] = "the security archive's index is older"
    assert run() == 2
    text = capsys.readouterr().out
    assert "lock of trixie_armel: only main, updates were available: the security archive's" in text
    assert lockfile.read(file).pockets == ("main", "updates")
    assert locked(checkout, "trixie_armel")["openssl"].version == "3.5.5-1"


def test_a_package_that_only_moved_is_no_change(
    run: Run, checkout: Path, archive: Debian, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.put(package("openssl", "3.5.4-1", "old", secure=True))
    before = tree(checkout)
    assert run() == 0
    assert tree(checkout) == before
    assert "Everything is up to date." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (package("openssl", "3.5.4-1", "other"), "content of openssl 3.5.4-1 changed: lock has "),
        (package("openssl", "3.5.3-1", "older"), "would go back from 3.5.4-1 to 3.5.3-1"),
    ],
)
def test_what_no_archive_does_is_an_alarm(
    run: Run,
    checkout: Path,
    archive: Debian,
    capsys: pytest.CaptureFixture[str],
    now: Package,
    words: str,
) -> None:
    good = archive.packages[""]
    archive.put(now)
    archive.packages = {"": good, "trixie_amd64": archive.packages[""]}
    before = tree(checkout)
    assert run() == 2
    text = capsys.readouterr().out
    assert text.startswith("## Catalog update\n\n### Alarm\n\n- ")
    assert words in text
    assert tree(checkout) == before
    accept = f"--accept={now.name}={now.version}"
    assert f"`./bazelw run //tools:update -- {accept.replace('=', ' ', 1)}`" in text
    assert run(accept) == 1
    assert locked(checkout, "trixie_amd64")["openssl"] == now
    assert run() == 0


@pytest.mark.parametrize(
    ("words", "names", "pockets"),
    [
        (["--suite=bookworm", "--arch=arm64"], ["bookworm_arm64"], lockfile.POCKETS),
        (["--suite=bookworm", "--arch=armel"], ["bookworm_armel"], ("main", "updates")),
        (
            ["--suite=trixie", "--arch=arm64", "--arch=amd64", "--pocket=security"],
            ["trixie_amd64", "trixie_arm64"],
            ("main", "security"),
        ),
    ],
)
def test_narrowed(
    run: Run,
    sources: Sources,
    archive: Debian,
    words: list[str],
    names: list[str],
    pockets: tuple[str, ...],
) -> None:
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8"))
    archive.put(package("openssl", "3.5.5-1", "new"))
    assert run("--check", *words) == 1
    assert sorted(job.name for job in archive.jobs) == names
    assert {job.pockets for job in archive.jobs} == {pockets}
    assert not [path for path in sources.asked if path.startswith("/api")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--suite=trixi", "--suite=trixi: unknown; did you mean trixie?"),
        ("--pocket=secure", "--pocket=secure: unknown"),
        ("--arch=x86", "--arch=x86: unknown"),
    ],
)
def test_narrowed_to_nothing(
    run: Run, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert run(words) == 2
    assert said in capsys.readouterr().err


def test_without_apt_all_else_is_done(
    run: Run,
    checkout: Path,
    sources: Sources,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def none() -> None:
        raise resolve.ResolveError("apt-get not found")

    monkeypatch.setattr(resolve, "require_apt", none)
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8"))
    assert run() == 2
    assert "- locks: apt-get not found" in capsys.readouterr().out
    assert "3.14.8" in load.load(checkout / "catalog").versions


def test_a_build_lock_is_only_made_where_there_is_none(
    run: Run, checkout: Path, archive: Debian, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.put(package("openssl", "3.5.5-1", "new"))
    assert run("--check") == 1
    assert not [job for job in archive.jobs if job.build]
    assert "to compile" not in capsys.readouterr().out
    (checkout / lock_debian.LOCKS / "build/trixie_amd64.lock").unlink()
    assert run() == 1
    assert "to compile: CPython 3.14.7 on trixie for 8 platforms\n" in capsys.readouterr().out
    assert locked(checkout, "build/trixie_amd64")["openssl"].version == "3.5.5-1"
    assert locked(checkout, "build/trixie_arm64")["openssl"].version == "3.5.4-1"
    assert run() == 0


def test_locks_of_what_has_left_the_catalog_go(
    run: Run, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = checkout / lock_debian.LOCKS / "trixie_mips64el.lock"
    old.write_text(
        (checkout / lock_debian.LOCKS / "trixie_amd64.lock")
        .read_text()
        .replace("amd64", "mips64el")
    )
    assert run() == 1
    assert not old.exists()
    assert "third_party/debian/trixie_mips64el.lock is of nothing in the catalog: removed" in (
        capsys.readouterr().out
    )


def test_what_breaks_the_checkout_is_undone(
    run: Run, checkout: Path, sources: Sources, archive: Debian, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.put(package("openssl", "3.5.5-1", "new"))
    sources.put_json("/api/release-cycle.json", {"3.14": {"end_of_life": "2033-03"}})
    (checkout / "bazelw").write_text(BAZELW.replace("BREAKS", "2033-03-31"))
    before = tree(checkout)
    assert run() == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "what was found breaks the checkout, so every file is as it was" in captured.err
    assert "ERROR: no such target" in captured.err
    assert tree(checkout) == before


def test_locks_of_other_distributions_are_part_of_it(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "third_party/ubuntu/noble_amd64.lock"

    def renewed(root: Path, accepted: Sequence[str]) -> Others:
        assert root == checkout
        assert not accepted
        return Others({name: "new\n"}, ["lock of noble_amd64: 1 package changed"], [], ["b: c"])

    monkeypatch.setattr(other_locks, "renew", renewed)
    assert run("--suite=trixie") == 0
    assert run() == 2
    text = capsys.readouterr().out
    assert "- lock of noble_amd64: 1 package changed" in text
    assert "### Failed\n\n- b: c" in text
    assert (checkout / name).read_text() == "new\n"


def test_a_failing_test_is_named_and_the_tree_stays(
    run: Run, checkout: Path, archive: Debian, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.put(package("openssl", "3.5.5-1", "new"))
    (checkout.parent / "failing").touch()
    assert run() == 2
    assert "FAIL: //a:test" in capsys.readouterr().out
    assert locked(checkout, "trixie_amd64")["openssl"].version == "3.5.5-1"


@pytest.mark.parametrize("method", ["write_text", "replace", "unlink", "mkdir", "chmod"])
def test_whatever_fails_the_tree_is_the_old_one_or_the_new_one(
    run: Run,
    checkout: Path,
    sources: Sources,
    archive: Debian,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    """The disk fails at one write of the checkout, an early one or a late one."""
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8"))
    archive.put(package("openssl", "3.5.5-1", "new"))
    (checkout / "dockerfiles/old/Dockerfile").parent.mkdir()
    (checkout / "dockerfiles/old/Dockerfile").write_text("FROM scratch\n")
    before = tree(checkout)
    # At the first, the fourth and so on, until there are not that many.
    at = 1
    while True:
        with monkeypatch.context() as patched:
            disk = FailingDisk(patched, checkout, method, at)
            status = run()
        if not disk.failed:
            break
        assert (status, tree(checkout)) == (2, before)
        at *= 4
    assert at > 1
    assert status == 1
    assert outputs.stale(checkout) == []
    assert not (checkout / transaction.FOLDER).exists()
    assert run() == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda made: made.python_org("3.14.8", "2026-10-07", source("3.14.8"), said="f" * 64),
            ["has SHA-256", "promises " + "f" * 64],
        ),
        (
            lambda made: made.python_org("3.14.8", "2026-10-07", source("3.14.8", "3.14.6")),
            ["the source of 3.14.8 says it is 3.14.6"],
        ),
        (
            lambda made: (
                made.python_org("3.14.8", "2026-10-07", source("3.14.8")),
                made.debian("python3.14", "python3.14_3.14.8.orig.tar.xz", source("3.14.8", "x")),
            ),
            ["Debian says 3.14.8", "python.org says"],
        ),
        (
            lambda made: made.python_org("3.14.8", "2026-10-07", b"not an archive"),
            ["is no archive"],
        ),
    ],
)
def test_what_does_not_agree_leaves_its_row_as_it_is(
    run: Run,
    checkout: Path,
    sources: Sources,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Sources], object],
    words: list[str],
) -> None:
    spoil(sources)
    sources.python_org("3.13.16", "2026-10-07", source("3.13.16"))
    assert run() == 2
    text = capsys.readouterr().out
    assert "### Failed\n\n- CPython 3.14.8: " in text
    for word in words:
        assert word in text
    # The other release is good.
    assert list(load.load(checkout / "catalog").versions) == ["3.14.7", "3.13.16", "3.13.15"]
    assert outputs.stale(checkout) == []


def test_a_minor_that_nobody_supports_is_refused_before_anything_is_fetched(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.python_org("3.16.0", "2027-10-01", source("3.16.0"))
    before = tree(checkout)
    assert run("--add", "3.16") == 2
    captured = capsys.readouterr()
    assert 'nobody says until when 3.16 is supported; add minors."3.16" by hand' in captured.err
    assert "Python 3.16.0 from" not in captured.err, "nothing large is fetched for that"
    assert tree(checkout) == before
    assert run("--add", "3.17") == 2
    assert "no source offers 3.17; add one of those offered: " in capsys.readouterr().err
    del sources.files["/ftp/python/3.16.0/Python-3.16.0.tar.xz"]
    assert run("--add", "3.16") == 2
    assert "3.16 isn't available: CPython 3.16.0 is announced, but http" in capsys.readouterr().err
    assert tree(checkout) == before


@pytest.mark.parametrize(
    ("version", "life"), [("3.16.0", "released: 2027-10-01"), ("3.16.0a1", "prerelease: true")]
)
def test_a_new_minor_is_written_as_a_whole(
    run: Run, checkout: Path, sources: Sources, version: str, life: str
) -> None:
    sources.python_org(version, "2027-10-01", source(version))
    sources.debian("python3.16", f"python3.16_{version}.orig.tar.xz", source(version))
    sources.put_json("/api/release-cycle.json", {"3.16": {"end_of_life": "2032-10"}})
    assert run("--add", "3.16") == 1
    text = versions(checkout)
    assert f'minors:\n  "3.16":\n    {life}\n    eol: 2032-10-31\n  "3.15":\n' in text
    assert next(iter(load.load(checkout / "catalog").versions)) == version
    assert outputs.stale(checkout) == []


def test_a_release_that_debian_does_not_have_leaves_the_row_before_it(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8"))
    assert run() == 1
    assert "no Debian mirror has it yet: marked `mirrored: false`" in capsys.readouterr().out
    loaded = load.load(checkout / "catalog")
    assert [(one.name, one.mirrored) for one in loaded.versions.values()] == [
        ("3.14.8", False),
        ("3.14.7", True),
        ("3.13.15", True),
    ]
    assert run() == 0
    # The next one takes its place; the one that everybody can have stays.
    sources.python_org("3.14.9", "2026-11-07", source("3.14.9"))
    assert run() == 1
    loaded = load.load(checkout / "catalog")
    assert list(loaded.versions) == ["3.14.9", "3.14.7", "3.13.15"]
    # Then Debian has it.
    sources.debian("python3.14", "python3.14_3.14.9.orig.tar.xz", source("3.14.9"))
    assert run() == 1
    assert "- CPython 3.14.9 is on Debian's mirrors now\n" in capsys.readouterr().out
    loaded = load.load(checkout / "catalog")
    assert [(one.name, one.mirrored) for one in loaded.versions.values()] == [
        ("3.14.9", True),
        ("3.13.15", True),
    ]
    assert "mirrored" not in versions(checkout)
    assert run() == 0


def test_a_release_that_can_not_be_had_here_can_be_declared(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    content = source("3.14.8")
    sources.debian("python3.14", "python3.14_3.14.8.orig.tar.xz", content, gone=True)
    assert run() == 1
    assert "`./bazelw run //tools:update -- --declare 3.14.8`" in capsys.readouterr().out
    assert run("--declare", "3.14.8") == 1
    row = load.load(checkout / "catalog").versions["3.14.8"]
    assert (row.sha256, row.mirrored, row.released.isoformat()) == (
        sha256(content),
        False,
        "2026-06-01",
    )
    assert "3.14.7" in load.load(checkout / "catalog").versions
    assert run() == 0
    assert run("--declare", "3.14.99") == 2
    assert "no source announces 3.14.99; leave --declare away" in capsys.readouterr().err


@pytest.mark.parametrize("sums", ["sha256: {}", f"sha256:\n  3.14.7:\n    archive: {'b' * 64}"])
def test_checksums_for_windows(
    run: Run,
    checkout: Path,
    sources: Sources,
    capsys: pytest.CaptureFixture[str],
    sums: str,
) -> None:
    file = checkout / "catalog" / "windows.yaml"
    text = file.read_text().replace("minors: []", 'minors: ["3.14", "3.13"]')
    file.write_text(text.replace("sha256: {}", sums))
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8"))
    sources.debian("python3.13", "python3.13_3.13.16.orig.tar.xz", source("3.13.16"))
    assert run() == 1
    assert f"sha256:\n  3.14.8:\n    archive: {'a' * 64}\n    installer: {'e' * 64}\n" in (
        file.read_text()
    )
    text = capsys.readouterr().out
    assert "- CPython 3.14.8 for Windows: archive and installer\n" in text
    assert "  `3.13.16: {archive: <of the zip>, installer: <of the exe>}`\n" in text


def test_what_ends_with_a_row_is_named(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    file = checkout / "catalog" / "versions.yaml"
    own = (
        "    source:\n      url: https://example.org/Python-{version}.tar.xz\n"
        "      pool: pool/x\n      strip_prefix: Python-{version}\n"
    )
    file.write_text(
        file.read_text().replace("  - version: 3.13.15\n", f"  - version: 3.13.15\n{own}")
    )
    outputs.refresh(checkout)
    sources.python_org("3.13.16", "2026-10-07", source("3.13.16"))
    sources.debian("python3.13", "python3.13_3.13.16.orig.tar.xz", source("3.13.16"))
    assert run() == 1
    assert "- the row of 3.13.15 had `source`, which ended with it: if its successor needs" in (
        capsys.readouterr().out
    )
    assert "example.org" not in versions(checkout)


@pytest.fixture(name="dated")
def _dated(checkout: Path) -> Path:
    """A checkout whose catalog describes a day."""
    file = checkout / "catalog" / "versions.yaml"
    file.write_text(file.read_text().replace("\nsource:\n", "\nas_of: 2026-06-01\nsource:\n", 1))
    outputs.refresh(checkout)
    return checkout


def test_the_day_moves_when_something_has_ended(
    run: Run, dated: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.suite("bookworm-security", "12", archs="amd64 arm64 ppc64el")
    assert run("--today=2026-07-11") == 0
    assert run("--today=2026-07-12") == 1
    text = capsys.readouterr().out
    assert "- Debian bookworm is under long-term support since 2026-07-11, until 2028-06-30" in text
    assert "images on it are published for amd64, arm64, ppc64le" in text
    loaded = load.load(dated / "catalog")
    assert str(loaded.as_of) == "2026-07-12"
    assert loaded.suites["bookworm"].published == ("amd64", "arm64", "ppc64le")
    assert run("--today=2026-08-01") == 0
    assert run("--today=2028-07-01") == 1
    assert "Debian bookworm has ended: images on it leave" in capsys.readouterr().out
    assert load.load(dated / "catalog").suites["bookworm"].ended
    sources.suite("trixie-security", "13", archs="amd64 arm64")
    assert run("--today=2029-11-01") == 1
    assert "CPython 3.13 has ended on 2029-10-31: its images leave" in capsys.readouterr().out
    assert outputs.stale(dated) == []


def test_a_suite_of_which_no_long_term_support_is_known(
    run: Run, dated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(dated)
    assert run("--today=2026-07-12") == 1
    text = capsys.readouterr().out
    assert "- Debian bookworm has had no regular support since 2026-07-11. If it has long" in text
    assert "`lts: {until: <last day>, platforms: [...]}`" in text
    assert "`as_of: 2026-07-12` in catalog/versions.yaml" in text
    assert tree(dated) == before


def test_no_source_at_all_is_an_error(
    run: Run, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.files.clear()
    assert run() == 2
    assert "no source could be reached: python.org: " in capsys.readouterr().err


def test_a_changed_index_is_not_believed(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.files["/debian/dists/sid/main/source/Sources.xz"] += b"x"
    assert run() == 0
    assert "the release file says" in capsys.readouterr().out


def test_an_unsigned_release_file_is_not_believed(sources: Sources, tmp_path: Path) -> None:
    if shutil.which("gpgv") is None:
        pytest.skip("gpgv is not installed")
    keyring = tmp_path / "keys.gpg"
    keyring.write_bytes(b"")
    with serve(sources) as address, pytest.raises(UnreachableError, match="not validly signed"):
        debian.release(debian.Archive(f"{address}/debian", keyring), "sid", Fetcher(io.StringIO()))


def test_a_signed_release_file_is_read(sources: Sources, tmp_path: Path) -> None:
    if shutil.which("gpgv") is None or shutil.which("gpg") is None:
        pytest.skip("gpg or gpgv is not installed")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--homedir", str(home), "--pinentry-mode", "loopback"]
    maker = [*gpg, "--passphrase", "", "--quick-gen-key", "test@example.org", "ed25519", "sign"]
    if subprocess.run(maker, capture_output=True, check=False).returncode != 0:
        pytest.skip("gpg can't make a key here")
    keyring = tmp_path / "keys.gpg"
    keyring.write_bytes(subprocess.run([*gpg, "--export"], capture_output=True, check=True).stdout)
    text = b"Origin: Debian\nVersion: 13.9\nSHA256:\n"
    sources.files["/debian/dists/trixie/InRelease"] = subprocess.run(
        [*gpg, "--clearsign"], input=text, capture_output=True, check=True
    ).stdout
    subprocess.run(
        ["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True, check=False
    )
    with serve(sources) as address:
        fields = debian.release(
            debian.Archive(f"{address}/debian", keyring), "trixie", Fetcher(io.StringIO())
        )
    assert fields["Version"] == "13.9"


def test_new_versions_of_bazel_modules_are_recorded(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.module("platforms", ["0.0.10", "0.0.11", "1.0.0"], {"0.0.10": "it is broken"})
    sources.module("rules_cc", ["0.2.0"])
    with (checkout / "MODULE.bazel").open("a") as module:
        module.write('bazel_dep(name = "rules_cc", version = "0.2.0")\n')
    assert run("--check") == 1
    assert facts.load(checkout).date == "2026-05-01"
    assert run() == 1
    shown = capsys.readouterr().out
    assert "- Bazel module platforms: new 1.0.0; yanked 0.0.10\n" in shown
    assert "- Bazel module rules_cc: new 0.2.0\n" in shown
    assert "- `third_party/registry/modules.json`\n" in shown
    recorded = facts.load(checkout)
    assert recorded.registry == REGISTRY
    assert recorded.date == "2026-06-01"
    assert recorded.modules["platforms"].versions == ("0.0.10", "0.0.11", "1.0.0")
    assert recorded.modules["platforms"].yanked == {"0.0.10": "it is broken"}
    assert facts.faults(checkout, recorded) == []
    assert run("--check") == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "answers 404"),
        (["0.0.11"], "`versions` has to be a list of texts"),
        ({"versions": []}, "`versions` has to be a list of texts"),
        ({"versions": ["1"], "yanked_versions": ["1"]}, "`yanked` a mapping"),
    ],
)
def test_what_is_known_of_modules_stays_when_the_registry_does_not_answer(
    run: Run,
    checkout: Path,
    sources: Sources,
    capsys: pytest.CaptureFixture[str],
    answer: object,
    reason: str,
) -> None:
    before = (checkout / facts.FILE).read_text()
    del sources.files["/modules/platforms/metadata.json"]
    if answer is not None:
        sources.put_json("/modules/platforms/metadata.json", answer)
    assert run() == 0
    shown = capsys.readouterr().out
    assert "- Bazel's module registry: " in shown
    assert reason in shown
    assert (checkout / facts.FILE).read_text() == before


INDEX = "/debian/dists/sid/main/source/Sources.xz"
CYCLE = "/api/release-cycle.json"
RELEASES = "/api/v2/downloads/release/?is_published=true"
DISTRO_INFO = "/debian/pool/main/d/distro-info-data/distro-info-data_2026.1.tar.xz"


def packed(text: bytes) -> bytes:
    return lzma.compress(text)


def csv(eol: str) -> str:
    return f"version,codename,series,created,release,eol\n13,Trixie,trixie,,,{eol}\n"


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        (CYCLE, b"", "is not JSON"),
        (CYCLE, b"[]", "is not the mapping it used to be"),
        (CYCLE, b'{"3.14": {"end_of_life": "2030-13"}}', "the end of 3.14 is '2030-13'"),
        (CYCLE, b'{"3.14": {"end_of_life": "2030-1x"}}', "the end of 3.14 is '2030-1x'"),
        (CYCLE, b'{"3.14": {"end_of_life": "2030-02-30"}}', "the end of 3.14 is '2030-02-30'"),
        (CYCLE, b'{"3.14": {"end_of_life": "never: [1]"}}', "the end of 3.14 is 'never: [1]'"),
        (CYCLE, b'{"3.14": {"end_of_life": "\\ud800"}}', "half of a character"),
        (RELEASES, b'{"a": 1}', "is not the list it used to be"),
        (RELEASES, b"\xff", "is not JSON"),
        (INDEX, b"", "is not a source index"),
        (INDEX, b"no xz", "is not a source index"),
        (INDEX, packed(b"Package: python3.14\n" * 9)[:-9], "is not a source index"),
        (INDEX, packed(b"Package: python3.14\n\xff\n"), "is not a source index"),
        (INDEX, packed(b"Package: python3.14\nChecksums-Sha256:\n a b\n"), "is not a source index"),
        (INDEX, packed(b"Package: python3.14\nChecksums-Sha256:\n a 1 b\n"), "is not a source"),
        (DISTRO_INFO, b"", "is not distro-info-data"),
        (DISTRO_INFO, b"no xz", "is not distro-info-data"),
        (DISTRO_INFO, archive({"debian.csv": csv("2030-99-99")}), "is not distro-info-data"),
        (DISTRO_INFO, archive({"debian.csv": csv("soon")}), "is not distro-info-data"),
        (DISTRO_INFO, archive({"debian.csv": csv("2030-01-01")})[:120], "is not distro-info-data"),
    ],
)
def test_answers_that_make_no_sense_are_named(
    run: Run,
    checkout: Path,
    sources: Sources,
    capsys: pytest.CaptureFixture[str],
    path: str,
    content: bytes,
    said: str,
) -> None:
    before = tree(checkout)
    if path == DISTRO_INFO:
        # What the index promises is what comes.
        sources.debian("distro-info-data", "distro-info-data_2026.1.tar.xz", content)
    sources.files[path] = content
    if path == INDEX:
        sources.suite("sid", "", content)
    assert run("--no-locks") in (0, 1)
    skipped = capsys.readouterr().out.partition("### Not checked")[2]
    assert said in skipped
    assert tree(checkout) == before


def test_this_machines_own_ends_of_support_may_be_damaged(
    run: Run, sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del sources.files[DISTRO_INFO]
    file = tmp_path / "debian.csv"
    for content in (b"\xff", csv("soon").encode()):
        file.write_bytes(content)
        assert run("--no-locks", f"--distro-info={file}") == 0
        assert f"{file} is not distro-info-data" in capsys.readouterr().out
    file.write_bytes(b"")
    assert run("--no-locks", f"--distro-info={file}") == 0


@pytest.mark.parametrize("size", [0, 40, 120])
def test_a_source_that_is_as_damaged_as_promised(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    before = versions(checkout)
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8")[:size])
    assert run("--no-locks") == 2
    assert "is no archive: " in capsys.readouterr().out
    assert versions(checkout) == before


def test_a_suite_that_the_catalog_has_not(
    run: Run, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.suite("bullseye", "11.11")
    assert run("--no-locks", "--suite=bullseye") == 2
    assert "--suite=bullseye: unknown" in capsys.readouterr().err


def test_a_damaged_lock_is_made_anew(
    run: Run, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = checkout / lock_debian.LOCKS / "trixie_amd64.lock"
    whole = lock.read_text()
    for content in (b"", b"\xff\xfe", whole.encode()[:-70]):
        lock.write_bytes(content)
        assert run() == 1, capsys.readouterr().out
        assert "locks of trixie_amd64" in capsys.readouterr().out
        assert locked(checkout, "trixie_amd64")


def test_a_damaged_lock_that_is_not_made_anew_is_told(
    run: Run, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / lock_debian.LOCKS / "trixie_amd64.lock").write_bytes(b"")
    assert run("--no-locks") == 2
    out, err = capsys.readouterr()
    assert "trixie_amd64.lock" in out + err


@pytest.mark.parametrize("digest", ["é", "?", "", 5, None])
def test_a_bundle_that_is_none(
    run: Run, sources: Sources, capsys: pytest.CaptureFixture[str], digest: object
) -> None:
    sources.python_org("3.14.8", "2026-10-07", source("3.14.8"), bundle=True)
    bundle = {"messageSignature": {"messageDigest": {"algorithm": "SHA2_256", "digest": digest}}}
    sources.put_json("/ftp/python/3.14.8/Python-3.14.8.tar.xz.sigstore", bundle)
    assert run("--no-locks") == 0
    assert "is not a sigstore bundle" in capsys.readouterr().out
