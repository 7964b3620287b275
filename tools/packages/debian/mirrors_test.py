from pathlib import Path

import pytest

from tools.catalog.mirrors import public_mirrors
from tools.packages.debian import mirrors
from tools.packages.debian.mirrors import Mirror, find_mirrors, parse_apt_uris


def line(root: str, suite: str) -> str:
    return f"'{root}/dists/{suite}/InRelease' some_file 0 \n"


def test_main_and_security() -> None:
    text = (
        line("http://a.test/debian", "bookworm")
        + line("http://a.test/debian", "bookworm-updates")
        + "'http://a.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' file 0 \n"
        + line("http://b.test/sec", "bookworm-security")
    )
    assert parse_apt_uris(text) == [Mirror("http://a.test/debian", "http://b.test/sec")]


def test_security_by_convention() -> None:
    text = line("http://a.test/debian/", "stable")
    assert parse_apt_uris(text) == [Mirror("http://a.test/debian", "http://a.test/debian-security")]


def test_other_archives_are_left_out() -> None:
    text = (
        line("http://ubuntu.test/ubuntu", "noble")
        + line("https://vendor.test/apt", "cloud-sdk-bookworm")
        + "'http://flat.test/repo/./InRelease' file 0 \n"
        + "garbage\n"
    )
    assert parse_apt_uris(text) == []


def test_several_mirrors_keep_their_order() -> None:
    text = line("http://b.test/d", "trixie") + line("http://a.test/d", "trixie")
    assert [mirror.main for mirror in parse_apt_uris(text)] == [
        "http://b.test/d",
        "http://a.test/d",
    ]


def test_mirror_file(tmp_path: Path) -> None:
    listed = tmp_path / "debian.list"
    listed.write_text("# ours\nhttps://a.test/debian\tpriority:1\nhttps://b.test/debian/\n\n")
    found = parse_apt_uris(line(f"mirror+file:{listed}", "bookworm"))
    assert [mirror.main for mirror in found] == ["https://a.test/debian", "https://b.test/debian"]
    assert parse_apt_uris(line(f"mirror+file:{tmp_path}/absent", "bookworm")) == []


def test_given_ones_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEBIAN_SECURITY_MIRROR", raising=False)
    monkeypatch.setenv("DEBIAN_MIRROR", "http://b.test/debian/  http://a.test/debian")
    found = find_mirrors(["http://a.test/debian/"])
    assert found[0] == Mirror("http://a.test/debian", "http://a.test/debian-security")
    assert [mirror.main for mirror in found] == ["http://a.test/debian", "http://b.test/debian"]


def test_security_mirror_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBIAN_MIRROR", "http://b.test/debian")
    monkeypatch.setenv("DEBIAN_SECURITY_MIRROR", "http://s.test/sec/")
    assert find_mirrors() == [Mirror("http://b.test/debian", "http://s.test/sec")]


@pytest.mark.parametrize("own", [[], [Mirror("http://h.test/debian", "http://h.test/sec")]])
def test_public_ones_come_last(monkeypatch: pytest.MonkeyPatch, own: list[Mirror]) -> None:
    monkeypatch.delenv("DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(mirrors, "host_mirrors", lambda: own)
    found = find_mirrors()
    assert found[: len(own)] == own
    public = found[len(own) :]
    assert [mirror.main for mirror in public] == public_mirrors("debian", "main")
    assert {mirror.security for mirror in public} == set(public_mirrors("debian", "security"))
