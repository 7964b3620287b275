"""Which mirrors are asked for which architecture."""

from __future__ import annotations

import pytest

from tools.catalog.mirrors import public_mirrors
from tools.packages.debian.mirrors import Mirror
from tools.packages.ubuntu import mirrors
from tools.packages.ubuntu.mirrors import MirrorError, find_mirrors, parse_apt_uris

HALVES = {"amd64": "archive", "arm64": "ports", "riscv64": "ports"}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UBUNTU_MIRROR", raising=False)
    monkeypatch.delenv("UBUNTU_PORTS_MIRROR", raising=False)
    monkeypatch.setattr(mirrors, "host_mirrors", lambda: ("amd64", []))


def test_each_architecture_has_its_half() -> None:
    given = {"archive": ["http://a.test/ubuntu/"], "ports": ["http://p.test/x", "http://q.test/x"]}
    found = find_mirrors(HALVES, given)
    assert found["amd64"] == (Mirror("http://a.test/ubuntu", "http://a.test/ubuntu"),)
    assert [mirror.main for mirror in found["arm64"]] == ["http://p.test/x", "http://q.test/x"]
    assert found["riscv64"] == found["arm64"]


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UBUNTU_MIRROR", "http://a.test/u http://b.test/u")
    monkeypatch.setenv("UBUNTU_PORTS_MIRROR", "file:///srv/ports")
    found = find_mirrors(HALVES, {"archive": ["http://c.test/u"]})
    assert [mirror.main for mirror in found["amd64"]] == [
        "http://c.test/u",
        "http://a.test/u",
        "http://b.test/u",
    ]
    assert found["arm64"][0].main == "file:///srv/ports"


def test_the_machines_own_are_good_for_its_half(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ["http://h.test/u"]
    monkeypatch.setattr(mirrors, "host_mirrors", lambda: ("arm64", own))
    found = find_mirrors(HALVES, {"archive": ["http://a.test/u"]})
    assert found["riscv64"][0].main == "http://h.test/u"
    assert [mirror.main for mirror in found["amd64"]] == ["http://a.test/u"]
    found = find_mirrors(HALVES, {})
    assert [mirror.main for mirror in found["amd64"]] == public_mirrors("ubuntu", "archive")
    public = public_mirrors("ubuntu", "ports")
    assert [mirror.main for mirror in found["arm64"]] == ["http://h.test/u", *public]


def test_public_ones_where_nothing_else_is_known() -> None:
    found = find_mirrors(HALVES, {"ports": ["http://p.test/x"]})
    assert [mirror.main for mirror in found["amd64"]] == public_mirrors("ubuntu", "archive")
    assert [mirror.main for mirror in found["arm64"]] == ["http://p.test/x"]


def test_no_url() -> None:
    with pytest.raises(MirrorError, match="--ports-mirror=here: no http"):
        find_mirrors({"arm64": "ports"}, {"ports": ["here"]})


def test_apts_own() -> None:
    text = "".join(
        f"'{root}/dists/{suite}/InRelease' file 0 \n"
        for root, suite in [
            ("http://a.test/ubuntu/", "noble"),
            ("http://a.test/ubuntu", "noble-updates"),
            ("http://s.test/ubuntu", "noble-security"),
            ("http://d.test/debian", "trixie"),
            ("https://vendor.test/apt", "jammy-vendor"),
            ("cdrom://x", "noble"),
        ]
    )
    assert parse_apt_uris(text + "garbage\n") == ["http://a.test/ubuntu"]
