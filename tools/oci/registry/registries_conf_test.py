"""registries.conf: which entry counts, from which file, and what is said of broken ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.oci.registry import registries_conf
from tools.oci.registry.fake_registry import FakeRegistry
from tools.oci.registry.reference import parse_repository
from tools.oci.registry.registries_conf import Settings
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport

CONF = """
unqualified-search-registries = ["docker.io"]

[[registry]]
location = "registry.example:5000"
insecure = true

[[registry]]
prefix = "registry.example:5000/team"
location = "other.example"

[[registry]]
prefix = "*.lab.example"
insecure = true

[[registry]]
prefix = "bad.example"
blocked = true
"""


@pytest.fixture(autouse=True)
def no_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries_conf, "SYSTEM", tmp_path / "etc/registries.conf")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("registry.example:5000/app", Settings(insecure=True)),
        ("registry.example:5000/team/app", Settings()),
        ("registry.example:5000/teams/app", Settings(insecure=True)),
        ("registry.example/app", Settings()),
        ("a.lab.example:99/app", Settings(insecure=True)),
        ("lab.example/app", Settings()),
        ("bad.example/app", Settings(blocked=True)),
    ],
)
def test_prefixes(tmp_path: Path, name: str, settings: Settings) -> None:
    (tmp_path / "conf").write_text(CONF)
    environment = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "conf")}
    assert registries_conf.settings_of(parse_repository(name), environment) == settings


def test_files(tmp_path: Path) -> None:
    repository = parse_repository("registry.example/app")
    own = tmp_path / ".config/containers/registries.conf"
    environment = {"HOME": str(tmp_path)}
    assert registries_conf.settings_of(repository, environment) == Settings()
    places = [
        (registries_conf.SYSTEM, "insecure"),
        (own, "blocked"),
        (registries_conf.SYSTEM.with_suffix(".conf.d") / "a.conf", "insecure"),
        (own.with_suffix(".conf.d") / "b.conf", "blocked"),
    ]
    for path, key in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'[[registry]]\nlocation = "registry.example"\n{key} = true\n')
        expected = Settings(**{key: True})
        assert registries_conf.settings_of(repository, environment) == expected


@pytest.mark.parametrize("text", ["[[registry", "registry = 5", "registry = [5]", "\x00"])
def test_broken_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "conf").write_text(text)
    environment = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "conf")}
    with pytest.raises(RegistryError, match=r"conf: (can't be read|registry is no list)"):
        registries_conf.settings_of(parse_repository("a.example/b"), environment)


@pytest.mark.skipif(os.geteuid() == 0, reason="SKIPPED: no folder is closed to root")
def test_a_closed_home_has_no_files(tmp_path: Path) -> None:
    closed = tmp_path / "root"
    closed.mkdir(mode=0)
    repository = parse_repository("registry.example:5000/app")
    assert registries_conf.settings_of(repository, {"HOME": str(closed)}) == Settings()


def test_a_blocked_registry_is_not_asked(tmp_path: Path) -> None:
    with FakeRegistry() as registry:
        (tmp_path / "conf").write_text(
            f'[[registry]]\nlocation = "{registry.host}"\nblocked = true'
        )
        environment = {"CONTAINERS_REGISTRIES_CONF": str(tmp_path / "conf")}
        repository = parse_repository(f"{registry.host}/app")
        with pytest.raises(RegistryError, match=r"registries\.conf blocks it"):
            Transport(repository, environment=environment)
        assert not registry.requests
