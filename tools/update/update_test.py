"""The update against recorded answers: what it changes, keeps, refuses and says."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.catalog import fixture, load
from tools.debian import lock
from tools.modules import facts
from tools.update import debian, update
from tools.update.bar import Bar
from tools.update.fake_sources import DEBIAN_CSV, Sources, archive, serve, sha256, source
from tools.update.fetch import Fetcher, UnreachableError

Run = Callable[..., int]
REGISTRY = "https://registry.example"


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fixture.checkout(tmp_path)
    (tmp_path / "MODULE.bazel").write_text('bazel_dep(name = "platforms", version = "0.0.11")\n')
    recorded = tmp_path / facts.FILE
    recorded.parent.mkdir(parents=True)
    known = facts.Module(("0.0.10", "0.0.11"), {})
    recorded.write_text(facts.Facts(REGISTRY, "2026-05-01", {"platforms": known}).text())
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    return tmp_path


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
                    "--no-locks",
                    "--today=2026-06-01",
                    *arguments,
                ]
            )

        yield run


def versions(checkout: Path) -> str:
    return (checkout / "catalog" / "versions.yaml").read_text()


def test_nothing_new(run: Run, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = versions(checkout)
    assert run("--check") == 0
    assert "Everything is up to date." in capsys.readouterr().out
    assert run() == 0
    assert versions(checkout) == before
    assert not (checkout / "dockerfiles").exists()


def test_a_patch_release_changes_its_row_and_nothing_else(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    content = source("3.14.8")
    sources.python_org("3.14.8", "2026-10-07", content)
    sources.debian("python3.14", "python3.14_3.14.8.orig.tar.xz", content)
    before = versions(checkout)
    assert run("--check") == 1
    assert versions(checkout) == before
    assert run() == 0
    captured = capsys.readouterr()
    assert "- CPython 3.14.7 → 3.14.8 (python.org, Debian)\n" in captured.out
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
    assert run("--keep") == 0
    loaded = load.load(checkout / "catalog")
    assert list(loaded.versions) == ["3.14.7", "3.13.16", "3.13.15"]


def test_a_pre_release_follows_its_line_to_the_final_one(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.python_org("3.15.0rc1", "2026-07-28", source("3.15.0rc1"), bundle=True)
    assert run("--check") == 0
    assert "CPython 3.15.0rc1 exists; `./bazelw run //tools:update -- --add 3.15`" in (
        capsys.readouterr().out
    )
    assert run("--add", "3.15") == 0
    assert next(iter(load.load(checkout / "catalog").versions)) == "3.15.0rc1"
    sources.python_org("3.15.0", "2026-10-01", source("3.15.0"))
    assert run() == 0
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
    assert run() == 0
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
    assert run("--today=2026-12-01") == 0
    text = capsys.readouterr().out
    assert "- Debian trixie of unknown release → 13.8\n" in text
    assert "- Debian bookworm is supported until 2026-08-11 (was 2026-07-11)\n" in text
    assert "- CPython 3.13 is supported until 2030-02-28 (was 2029-10-31)\n" in text
    assert "- Debian bookworm has had no security support since 2026-08-11" in text
    loaded = load.load(checkout / "catalog")
    assert loaded.suites["trixie"].point_release == "13.8"
    assert loaded.minors["3.13"].eol.isoformat() == "2030-02-28"
    assert "# Debian suites images are built on." in suites.read_text()


def test_a_point_release_renews_the_locks(
    run: Run, checkout: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.suite("bookworm", "12.16")
    called: list[list[str]] = []

    def fake(arguments: list[str]) -> int:
        called.append(arguments)
        return 0

    monkeypatch.setattr(lock, "main", fake)
    with serve(sources) as address:
        status = update.main(
            [
                f"--python-org={address}",
                f"--peps={address}",
                f"--mirror={address}/debian",
                "--debian-suite=sid",
                "--unsigned",
                "--today=2026-06-01",
            ]
        )
    assert status == 0
    assert [one[:2] for one in called] == [[f"--root={checkout}", "--suite=bookworm"]]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda made: made.python_org("3.14.8", "2026-10-07", source("3.14.8"), said="f" * 64),
            ["has SHA-256", "promises " + "f" * 64, "nothing was changed"],
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
def test_what_does_not_agree_changes_nothing(
    run: Run,
    checkout: Path,
    sources: Sources,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Sources], object],
    words: list[str],
) -> None:
    spoil(sources)
    sources.python_org("3.13.16", "2026-10-07", source("3.13.16"))
    before = versions(checkout)
    assert run() == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    error = captured.err.splitlines()[-1]
    assert error.startswith("error: ")
    for word in words:
        assert word in error
    assert versions(checkout) == before


def test_a_minor_the_catalog_does_not_know_is_refused_before_writing(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.python_org("3.16.0", "2027-10-01", source("3.16.0"))
    before = versions(checkout)
    assert run("--add", "3.16") == 2
    assert 'add minors."3.16"' in capsys.readouterr().err
    assert versions(checkout) == before


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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_moves_on_terminals_only() -> None:
    for stream, redrawn in ((Terminal(), True), (io.StringIO(), False)):
        with Bar(stream, "a file", 4 << 20) as bar:
            for _ in range(4):
                bar.add(1 << 20)
        assert (
            "\r[############------------] 2.0 of 4.0 MiB a file" in stream.getvalue()
        ) == redrawn
        assert "fetched a file (4.0 of 4.0 MiB)" in stream.getvalue()
        assert stream.getvalue().count("\n") == 1


def test_new_versions_of_bazel_modules_are_recorded(
    run: Run, checkout: Path, sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.module("platforms", ["0.0.10", "0.0.11", "1.0.0"], {"0.0.10": "it is broken"})
    sources.module("rules_cc", ["0.2.0"])
    with (checkout / "MODULE.bazel").open("a") as module:
        module.write('bazel_dep(name = "rules_cc", version = "0.2.0")\n')
    assert run("--check") == 1
    assert facts.load(checkout).date == "2026-05-01"
    assert run() == 0
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
