import json
from pathlib import Path

import pytest

from tools.bootstrap import apt_sources
from tools.bootstrap.apt_sources import Mirror, Source, mirrors, parse_deb822, parse_one_line
from tools.bootstrap.common import BootstrapError

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
 http://second.example/debian/
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /absent/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
# in the middle
Components: main
Signed-By: /absent/debian-archive-keyring.gpg


Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb [arch=amd64 signed-by=/etc/own.gpg] http://mirror.example/debian bookworm main contrib # why
#deb http://off.example/debian bookworm main
deb-src http://src.example/debian bookworm main
deb http://vendor.example/apt vendor-bookworm main
deb http://old.example/debian-security bookworm/updates main
"""


PUBLIC = ["http://public.example/debian", "https://more.example/debian"]


@pytest.fixture(autouse=True)
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mirrors.json"
    path.write_text(json.dumps({"debian": {"main": PUBLIC}}))
    monkeypatch.setattr(apt_sources, "PUBLIC", str(path))


def with_public(keyring: str, *found: Mirror) -> "list[Mirror]":
    return [*found, *(Mirror(uri, keyring) for uri in PUBLIC)]


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "archive.gpg"
    path.write_bytes(b"keys")
    monkeypatch.setattr(apt_sources, "KEYRINGS", (str(tmp_path / "no.gpg"), str(path)))
    return str(path)


def test_deb822() -> None:
    debian, security = parse_deb822(DEB822)
    assert debian.types == ("deb", "deb-src")
    assert debian.uris == ("http://mirror.example/debian", "http://second.example/debian/")
    assert debian.suites == ("bookworm", "bookworm-updates")
    assert debian.signed_by == "/absent/debian-archive-keyring.gpg"
    assert security.suites == ("bookworm-security",)
    assert security.components == ("main",)


def test_deb822_with_a_key_inside() -> None:
    (source,) = parse_deb822(
        "Types: deb\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
    )
    assert source.signed_by.startswith("-----BEGIN")


def test_one_line() -> None:
    found = parse_one_line(ONE_LINE)
    assert [s.types[0] for s in found] == ["deb", "deb", "deb-src", "deb", "deb"]
    assert found[1] == Source(
        ("deb",),
        ("http://mirror.example/debian",),
        ("bookworm",),
        ("main", "contrib"),
        "/etc/own.gpg",
    )


def test_only_debian_archives_are_mirrors(keyring: str) -> None:
    found = mirrors([*parse_one_line(ONE_LINE)[1:], *parse_deb822(DEB822)])
    assert found == with_public(
        keyring,
        Mirror("http://mirror.example/debian", keyring),
        Mirror("http://second.example/debian", keyring),
    )


def test_own_keyring_of_a_source(tmp_path: Path, keyring: str) -> None:
    own = tmp_path / "own.gpg"
    own.write_bytes(b"keys")
    line = f"deb [signed-by={own}] http://mirror.example/debian trixie main\n"
    found = Mirror("http://mirror.example/debian", str(own))
    assert mirrors(parse_one_line(line)) == with_public(keyring, found)


def test_given_mirror_wins(keyring: str) -> None:
    found = mirrors(parse_deb822(DEB822), "file:///srv/debian/ http://b.example/debian")
    assert [m.uri for m in found] == ["file:///srv/debian", "http://b.example/debian"]
    assert found[0].keyring == keyring


def test_mirror_list_files(tmp_path: Path, keyring: str) -> None:
    listed = tmp_path / "debian.list"
    listed.write_text("# best first\nhttp://a.example/debian priority:1\nhttp://b.example/debian\n")
    source = f"deb mirror+file:{listed} bookworm main\n"
    assert [m.uri for m in mirrors(parse_one_line(source))] == [
        "http://a.example/debian",
        "http://b.example/debian",
        *PUBLIC,
    ]


@pytest.mark.parametrize(
    "sources",
    [
        "deb http://vendor.example/apt nodistro main\n",
        "deb http://ubuntu.example/ubuntu noble main universe\n",
        "",
    ],
)
def test_a_host_without_debian_in_its_sources(keyring: str, sources: str) -> None:
    assert mirrors(parse_one_line(sources)) == with_public(keyring)


def test_the_checkout_has_public_mirrors(keyring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(apt_sources, "KEYRINGS", (keyring,))
    assert mirrors([])


def test_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt_sources, "KEYRINGS", (str(tmp_path / "no.gpg"),))
    with pytest.raises(BootstrapError, match="apt-get install debian-archive-keyring"):
        mirrors([], "http://a.example/debian")
