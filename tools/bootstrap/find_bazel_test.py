"""./bazelw itself, as a user calls it, up to where it would provision or run Bazel."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bootstrap import common, find_bazel, launch, smoke

HERE = Path(__file__).parent
SYSTEM = "/usr/bin:/bin"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what ./bazelw consists of, with a python3 to find."""
    path = tmp_path / "checkout"
    bootstrap = path / "tools" / "bootstrap"
    bootstrap.mkdir(parents=True)
    for source in HERE.glob("*.py"):
        shutil.copy(source, bootstrap)
    for name in ("bazelw", ".bazelversion"):
        shutil.copy(HERE.parents[1] / name, path)
    (path / "bin").mkdir()
    python = path / "bin" / "python3"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return path


def bazelw(
    checkout: Path, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(checkout / "bazelw"), *arguments],
        env={"PATH": f"{checkout}/bin:{SYSTEM}", "HOME": "/absent/home", **environment},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help(checkout: Path) -> None:
    done = bazelw(checkout, "--bazelw-help")
    assert done.returncode == 0
    assert "BAZELW_MODE" in done.stdout
    version = (checkout / ".bazelversion").read_text().splitlines()[0]
    assert f"run Bazel {version}\n" in done.stdout


@pytest.mark.parametrize("arguments", [["--bazelw-hlep"], ["--bazelw-clean", "now"]])
def test_unknown_option(checkout: Path, arguments: list[str]) -> None:
    done = bazelw(checkout, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"bazelw: error: {' '.join(arguments)}: no such option")


def test_where_provisions_nothing(checkout: Path) -> None:
    done = bazelw(checkout, "--bazelw-where", BAZELW_MODE="closed", XDG_CACHE_HOME="/absent/cache")
    assert done.returncode == 0
    assert "directory    /absent/cache/python-images/bazel/" in done.stdout
    assert "not provisioned yet" in done.stdout


def test_cache_under_tmp_is_refused(checkout: Path) -> None:
    done = bazelw(checkout, "build", BAZELW_MODE="closed", XDG_CACHE_HOME="/tmp/cache")
    assert done.returncode == 2
    assert "XDG_CACHE_HOME" in done.stderr
    assert done.stderr.count("\n") == 1


def test_arguments_reach_bazelisk_unchanged(checkout: Path) -> None:
    program = checkout / "bin" / "bazelisk"
    program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nexit 7\n')
    program.chmod(0o755)
    cache = {"XDG_CACHE_HOME": "/absent/cache", "BAZELW_MODE": "central"}
    done = bazelw(checkout, "--batch", "build", "a b", "", "--x='y'", **cache)
    assert (done.returncode, done.stdout) == (7, "<--batch><build><a b><><--x='y'>")


def test_without_python(checkout: Path) -> None:
    (checkout / "bin" / "python3").unlink()
    readlink = shutil.which("readlink")
    assert readlink
    (checkout / "bin" / "readlink").symlink_to(readlink)
    text = (checkout / "bazelw").read_text().replace("/usr/bin/python3", "/absent/python3")
    (checkout / "bazelw").write_text(text)
    done = bazelw(checkout, "build", PATH=f"{checkout}/bin")
    assert done.returncode == 2
    assert "no python3" in done.stderr


def test_cache_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/absent/home")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert common.cache_dir() == "/absent/home/.cache/python-images/bazel"
    monkeypatch.setenv("XDG_CACHE_HOME", "/absent/cache")
    assert common.cache_dir() == "/absent/cache/python-images/bazel"


def test_write_atomically(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    common.write_atomically(str(target), b"one")
    common.write_atomically(str(target), b"two")
    assert target.read_bytes() == b"two"
    assert os.listdir(target.parent) == ["b"]


def test_runs_on_old_python() -> None:
    """The oldest python3 that ./bazelw is for understands every file."""
    for source in HERE.glob("*.py"):
        if not source.name.endswith("_test.py"):
            ast.parse(source.read_text(), str(source), feature_version=(3, 9))


def test_zstd_frame_is_one_raw_block() -> None:
    data = bytes(range(256)) * 40
    frame = smoke.zstd_frame(data)
    assert frame[:4] == bytes.fromhex("28b52ffd")
    assert frame[4] == 0b10100000
    assert int.from_bytes(frame[5:9], "little") == len(data)
    header = int.from_bytes(frame[9:12], "little")
    assert (header & 1, header >> 1 & 3, header >> 3) == (1, 0, len(data))
    assert frame[12:] == data


@pytest.mark.parametrize(("given", "expected"), [(None, "mirrored"), ("all", "all"), ("", "")])
def test_a_closed_network_leaves_out_what_its_mirrors_lack(
    monkeypatch: pytest.MonkeyPatch, given: "str | None", expected: str
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop("PYTHON_IMAGES_SOURCES", None)
    if given is not None:
        os.environ["PYTHON_IMAGES_SOURCES"] = given
    monkeypatch.setattr(launch, "installed", lambda home: {"java_home": "usr"})
    monkeypatch.setattr(launch, "prepare", lambda *words: ["bazel"])
    assert find_bazel._provisioned("/absent/cache", "7.7.1", []) == ["bazel"]
    assert os.environ["PYTHON_IMAGES_SOURCES"] == expected
