import hashlib
import os
import stat
from pathlib import Path

import pytest

from tools.bootstrap.apt_root import AptRoot, Archive, network_settings, parse_uris
from tools.bootstrap.apt_sources import Mirror
from tools.bootstrap.common import BootstrapError

DUMP = """\
APT "";
APT::Update::Post-Invoke:: "/usr/bin/something --harmful";
DPkg::Pre-Install-Pkgs:: "/usr/bin/hook";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::http::Proxy::mirror.example "DIRECT";
Acquire::https::CaInfo "/etc/own.pem";
Acquire::Retries "3";
Acquire::GzipIndexes "true";
Acquire::AllowInsecureRepositories "1";
Acquire::Check-Date "false";
"""


def fake_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> AptRoot:
    """An AptRoot whose apt-get is a shell script; $ROOT is its directory."""
    programs = tmp_path / "bin"
    programs.mkdir()
    root = tmp_path / "apt"
    for name, text in (("apt-get", f"ROOT={root}\n{script}"), ("apt-config", "true")):
        program = programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    apt = AptRoot(str(root), "forky", "amd64")
    apt.prepare(["perl"])
    return apt


def test_network_settings_only() -> None:
    assert network_settings(DUMP).splitlines() == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::http::Proxy::mirror.example "DIRECT";',
        'Acquire::https::CaInfo "/etc/own.pem";',
        'Acquire::Retries "3";',
        'Acquire::Check-Date "false";',
    ]


def test_parse_uris() -> None:
    digest = "ab" * 32
    text = (
        "Reading package lists...\n"
        f"'http://a.example/pool/z_1%3a2_all.deb' z_1%3a2_all.deb 12 SHA256:{digest}\n"
        f"'http://a.example/pool/b_1_amd64.deb' b_1_amd64.deb 3 SHA256:{digest}\n"
    )
    assert parse_uris(text) == [
        Archive("b_1_amd64.deb", 3, digest),
        Archive("z_1%3a2_all.deb", 12, digest),
    ]
    with pytest.raises(BootstrapError, match="SHA-256"):
        parse_uris("'http://a.example/b.deb' b.deb 3 MD5Sum:0123\n")


def test_placeholders_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = fake_apt(tmp_path, monkeypatch, "exit 0")
    status = Path(apt.path, "state/status").read_text()
    assert "Package: perl\nStatus: install ok installed\n" in status


def test_second_mirror_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = fake_apt(tmp_path, monkeypatch, "grep -q good $ROOT/etc/sources.list")
    good = Mirror("http://good.example", "/k.gpg")
    assert apt.update([Mirror("http://bad.example", "/k.gpg"), good]) == good


def test_no_mirror_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = fake_apt(tmp_path, monkeypatch, "echo 'E: The repository is not signed.' >&2; exit 100")
    with pytest.raises(BootstrapError, match=r"DEBIAN_MIRROR(.|\n)*a\.example(.|\n)*not signed"):
        apt.update([Mirror("http://a.example", "/k.gpg")])


def test_download_checks_every_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = fake_apt(tmp_path, monkeypatch, "printf good > $ROOT/cache/archives/a_1_all.deb")
    right = Archive("a_1_all.deb", 4, hashlib.sha256(b"good").hexdigest())
    assert list(apt.download(["a"], [right])) == [os.path.join(apt.archives, right.file)]
    wrong = Archive("a_1_all.deb", 4, hashlib.sha256(b"evil").hexdigest())
    with pytest.raises(BootstrapError, match=r"a_1_all\.deb"):
        list(apt.download(["a"], [wrong]))
    assert not os.path.exists(os.path.join(apt.archives, right.file))


def test_what_is_there_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = fake_apt(tmp_path, monkeypatch, "exit 1")
    Path(apt.archives, "a_1_all.deb").write_bytes(b"good")
    there = Archive("a_1_all.deb", 4, hashlib.sha256(b"good").hexdigest())
    assert list(apt.download(["a"], [there])) == [os.path.join(apt.archives, there.file)]


def test_archives_are_given_while_others_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second comes once the first has been taken; 10 seconds would be too late for it.
    script = """\
cd $ROOT/cache/archives
printf good > partial/a && mv partial/a a_1_all.deb
i=0; while [ ! -e $ROOT/taken ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
printf more > b_1_all.deb"""
    apt = fake_apt(tmp_path, monkeypatch, script)
    archives = [
        Archive(f"{name}_1_all.deb", 4, hashlib.sha256(content).hexdigest())
        for name, content in (("a", b"good"), ("b", b"more"))
    ]
    given = apt.download(["a", "b"], archives)
    assert next(given) == os.path.join(apt.archives, "a_1_all.deb")
    Path(apt.path, "taken").touch()
    assert list(given) == [os.path.join(apt.archives, "b_1_all.deb")]


def test_failed_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = fake_apt(tmp_path, monkeypatch, "echo 'E: No space left on device'; exit 100")
    with pytest.raises(BootstrapError, match="No space left"):
        list(apt.download(["a"], [Archive("a_1_all.deb", 4, "00" * 32)]))
