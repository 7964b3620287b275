"""Locking packages on top of a layer."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tools.packages.debian import lock_own, lockfile, resolve
from tools.packages.debian.lockfile import Lock, Package
from tools.packages.debian.resolve import ResolveError

STATUS = """\
Package: libc6
Status: install ok installed
Version: 2.41-12
Description: the C library
 Version: 9 is what a description may say

Package: zlib1g
Status: install ok installed
Version: 1:1.3.1
"""


def layer(folder: Path, name: str, files: dict[str, str]) -> Path:
    file = folder / name
    with tarfile.open(file, "w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return file


def package(name: str, version: str) -> Package:
    path = f"pool/main/{name[0]}/{name}/{name}_{version}_amd64.deb"
    return Package(name, version, "amd64", path, "a" * 64, 1, {lock_own.SET: True})


def test_the_uppermost_status_counts(tmp_path: Path) -> None:
    below = layer(tmp_path, "below.tar", {"var/lib/dpkg/status": "Package: old\nVersion: 1\n"})
    above = layer(tmp_path, "above.tar", {"./var/lib/dpkg/status": STATUS})
    other = layer(tmp_path, "other.tar", {"etc/motd": ""})
    assert lock_own.status_of([below, above, other]) == STATUS
    with pytest.raises(ResolveError, match="no layer has /var/lib/dpkg/status"):
        lock_own.status_of([other])


def test_versions_of_the_layer() -> None:
    assert lock_own.versions(STATUS) == {"libc6": "2.41-12", "zlib1g": "1:1.3.1"}


def test_nothing_of_the_layer_is_replaced() -> None:
    has = lock_own.versions(STATUS)
    lock_own.refuse_replacing(has, [package("jq", "1.7")])
    with pytest.raises(ResolveError, match=r"libc6 2\.42 would replace 2\.41-12"):
        lock_own.refuse_replacing(has, [package("jq", "1.7"), package("libc6", "2.42")])


def test_the_file_is_a_lock_and_says_who_wrote_it(tmp_path: Path) -> None:
    lock = Lock("trixie", "amd64", "20261120T021254Z", (package("jq", "1.7"),))
    text = lock_own.text(lock, "./bazelw run //app:lock")
    assert "\n# `./bazelw run //app:lock`\n" in text
    assert "tools:lock" not in text
    assert lockfile.parse(text, "a.lock") == lock


def test_an_error_leaves_the_lock_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(resolve, "require_apt", lambda: None)
    other = layer(tmp_path, "other.tar", {"etc/motd": ""})
    words = ["--suite=trixie", "--arch=amd64", "--lock=a.lock", f"--layer={other}", "--command=x"]
    words.append("jq")
    assert lock_own.main(words) == 2
    assert "no layer has" in capsys.readouterr().err
    assert not (tmp_path / "a.lock").exists()


def test_other_content_of_a_version_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(resolve, "require_apt", lambda: None)
    old = Lock("trixie", "amd64", "20261120T021254Z", (package("jq", "1.7"),))
    (tmp_path / "a.lock").write_text(lock_own.text(old, "x"))
    new = replace(old, packages=(replace(old.packages[0], sha256="b" * 64),))
    monkeypatch.setattr(lock_own, "resolve_own", lambda asked, root: new)
    words = ["--suite=trixie", "--arch=amd64", "--lock=a.lock", "--layer=x", "--command=x", "jq"]
    assert lock_own.main(words) == 2
    assert "content of jq 1.7 changed: lock has aaa" in capsys.readouterr().err
    assert (tmp_path / "a.lock").read_text() == lock_own.text(old, "x")
