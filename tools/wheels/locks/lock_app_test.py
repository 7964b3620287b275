"""Locking an application: what is asked of uv, what is written, what is told."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from tools.wheels.locks import index, lock_app, resolve, write
from tools.wheels.locks.pins import LockError
from tools.wheels.locks.pylock import Standard
from tools.wheels.locks.read import read
from tools.wheels.locks.target import Target

GOLDEN = Path(__file__).parent / "golden"
LIBC = {"amd64": "glibc 2.41", "arm64": "glibc 2.41", "riscv64": "glibc 2.41", "s390x": ""}
BASES = {
    "command": "bazel run lock_app",
    "images": {"3.13-slim": ["3.13.5", "trixie"]},
    "libc": {"trixie": LIBC},
}
BOTH = [Target.of(platform, "3.13.5", "glibc 2.41") for platform in ("amd64", "arm64")]


def golden() -> Standard:
    lock = read(GOLDEN / "pylock.toml", "pylock.toml")
    assert isinstance(lock, Standard)
    return lock


# A uv that has been asked before: it answers with the golden lock, and keeps what it was told.
FAKE = """\
#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent
out = next(word.partition("=")[2] for word in sys.argv if word.startswith("--output-file="))
if (here / "error").exists():
    sys.exit((here / "error").read_text())
old = pathlib.Path(out)
(here / "asked").write_text(" ".join(sys.argv[1:]))
(here / "kept").write_text(old.read_text() if old.exists() else "")
old.write_text((here / "answer").read_text())
"""


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    folder = tmp_path / "uv"
    folder.mkdir()
    (folder / "uv").write_text(FAKE.format(python=sys.executable))
    (folder / "uv").chmod(0o755)
    (folder / "answer").write_text((GOLDEN / "pylock.toml").read_text())
    (folder / "bases.json").write_text(json.dumps(BASES))
    return folder / "uv"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "requirements.in").write_text("httpx[http2]\n")
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(folder))
    return folder


def run(uv: Path, *words: str) -> int:
    internal = ["--uv", str(uv), "--pip", "no-pip", "--bases", str(uv.parent / "bases.json")]
    return lock_app.main([*internal, *words])


def test_a_lock_is_written(app: Path, uv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(uv, "--base=3.13-slim") == 0
    said = capsys.readouterr().out.splitlines()
    assert "+ h2 " in "\n".join(said)
    assert said[-1].startswith("requirements.txt: ")
    assert said[-1].endswith(" packages, written")
    asked = (uv.parent / "asked").read_text()
    assert "--universal --no-build" in asked
    assert "--python-version=3.13 " in asked
    assert asked.endswith(str(app / "requirements.in"))
    text = (app / "requirements.txt").read_text()
    assert text.startswith(
        "# Wheels for Python 3.13 on amd64, arm64. Written by\n#   bazel run lock_app -- --base="
    )
    # It is a lock that is read, and says what uv said.
    lock = read(app / "requirements.txt", "requirements.txt")
    for target in BOTH:
        before = {(pin.name, pin.version) for pin in golden().pins(target)}
        assert {(pin.name, pin.version) for pin in lock.pins(target)} == before
    assert "colorama" not in text
    assert "sniffio" in text
    assert stat.S_IMODE((app / "requirements.txt").stat().st_mode) == 0o644
    assert sorted(path.name for path in app.iterdir()) == ["requirements.in", "requirements.txt"]


def test_versions_stay(app: Path, uv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(uv, "--base=3.13-slim") == 0
    first = (app / "requirements.txt").read_text()
    assert not (uv.parent / "kept").read_text()
    capsys.readouterr()
    assert run(uv, "--base=3.13-slim") == 0
    (h2,) = [pin for pin in golden().pins(BOTH[0]) if pin.name == "h2"]
    assert f'name = "h2"\nversion = "{h2.version}"' in (uv.parent / "kept").read_text()
    assert (app / "requirements.txt").read_text() == first
    assert capsys.readouterr().out.endswith(" packages, unchanged\n")
    (app / "requirements.txt").write_text(first.replace(f"h2=={h2.version}", "h2==4.0.0"))
    assert run(uv, "--base=3.13-slim", "--upgrade") == 0
    assert not (uv.parent / "kept").read_text()
    assert f"  h2 4.0.0 -> {h2.version}\n" in capsys.readouterr().out


def test_the_standards_form(app: Path, uv: Path) -> None:
    assert run(uv, "--base=3.13-slim", "--lock=pylock.toml") == 0
    assert (app / "pylock.toml").read_text() == (GOLDEN / "pylock.toml").read_text()


def test_missing_wheels_are_told_and_nothing_is_written(
    app: Path, uv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(uv, "--base=3.13-slim", "--platform=amd64", "--platform=riscv64") == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "lock_app: requirements.txt is not written: wheels are missing.\n  uvloop "
    )
    assert "has no wheel for riscv64" in said
    assert "amd64, Python" not in said
    assert not (app / "requirements.txt").exists()


def test_what_uv_says_is_told(app: Path, uv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (uv.parent / "error").write_text("No solution found")
    (app / "requirements.txt").write_text("as it was")
    assert run(uv, "--base=3.13-slim") == 1
    assert capsys.readouterr().err == "lock_app: No solution found\n"
    assert (app / "requirements.txt").read_text() == "as it was"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--base=3.13-slimm"], "--base=3.13-slimm: no such tag"),
        (
            ["--base=3.13-slim", "--platform=amd46"],
            "--platform=amd46: 3.13-slim has amd64, arm64, ri",
        ),
        (["--base=3.13-slim", "--platform=s390x"], "--platform=s390x: 3.13-slim has amd64"),
        (["--base=3.13-slim", "other.in"], "other.in: no such file"),
        (["--base=3.13-slim", "--lock=sub/requirements.txt"], "neither requirements.in nor"),
        (["--python=3.x"], "no version of Python: '3.x'"),
        (["--python=3.13", "--libc=2.36"], "no C library '2.36'"),
    ],
)
def test_wrong_words(
    app: Path, uv: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    assert run(uv, *words) == 1
    assert why in capsys.readouterr().err
    assert [path.name for path in app.iterdir()] == ["requirements.in"]


def test_a_python_of_ones_own(app: Path, uv: Path) -> None:
    (app / "requirements.in").rename(app / "pyproject.toml")
    assert run(uv, "--python=3.14t", "--libc=glibc 2.36", "--platform=arm64") == 0
    assert (uv.parent / "asked").read_text().endswith(str(app / "pyproject.toml"))
    assert "--libc='glibc 2.36' --platform=arm64" in (app / "requirements.txt").read_text()


def test_changes() -> None:
    assert write.changes({"a": "1", "b": "1", "d": "1"}, {"b": "2", "c": "1", "d": "1"}) == [
        "- a 1",
        "  b 1 -> 2",
        "+ c 1",
    ]


def test_uv_asks_the_index_of_pip() -> None:
    config = index.settings(
        "global.index-url='https://a.example/simple'\nglobal.extra-index-url='https://b.example/simple'\n"
        ":env:.index-url='https://c.example/simple'\nglobal.cert='/ca.pem'\ninstall.index-url='x'\n"
    )
    assert resolve.environment(config, {}) == {
        "UV_INDEX": "https://c.example/simple",
        "UV_DEFAULT_INDEX": "https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/ca.pem",
    }
    own = {"UV_DEFAULT_INDEX": "https://d.example", "SSL_CERT_FILE": "/mine.pem"}
    assert resolve.environment(config, own) == own
    # Where pip tells nothing, uv asks its own.
    assert "UV_DEFAULT_INDEX" not in resolve.environment({}, {})


def test_pages_of_an_index() -> None:
    page = {"files": [{"filename": "x-1-py3-none-any.whl", "hashes": {"sha256": "ab"}, "url": "u"}]}
    (file,) = index.files_of(json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json")
    assert (file.filename, file.sha256) == ("x-1-py3-none-any.whl", "ab")
    html = b'<a href="../x%2B1-1.whl#sha256=ab">x</a><a href="y.whl">y</a><a>z</a>'
    assert [(file.filename, file.sha256) for file in index.files_of(html, "text/html")] == [
        ("x+1-1.whl", "ab"),
        ("y.whl", ""),
    ]


def test_indexes() -> None:
    options = ["--index-url https://a.example/", "--extra-index-url https://b.example"]
    assert index.indexes(options, {}) == ["https://a.example", "https://b.example"]


def test_a_wrong_base_is_an_error() -> None:
    with pytest.raises(LockError, match="no such tag"):
        lock_app.targets_of(BASES, "@acme//images:3.14", "", "", [])
    (target,) = lock_app.targets_of(BASES, "@acme//images:3.13-slim", "", "", ["riscv64"])
    assert str(target) == "riscv64, Python 3.13, glibc 2.41"
