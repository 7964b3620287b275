"""Where credentials are found, and what is said of broken ones."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tools.oci.registry import credentials
from tools.oci.registry import helper as helper_module
from tools.oci.registry.login import Credentials
from tools.oci.registry.registry_error import RegistryError

HOST = "registry.example:5000"
HERE = Path("here")


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def find(folder: Path, content: Any, path: str = "team/app") -> Credentials | None:
    (folder / "config.json").write_text(json.dumps(content))
    return credentials.find(HOST, path, {"DOCKER_CONFIG": str(folder)})


def test_entries(tmp_path: Path) -> None:
    assert find(tmp_path, {}) is None
    assert find(tmp_path, {"auths": {"other.example": auth("a", "b")}}) is None
    expected = Credentials(HERE, "a", "b:c")
    for key in (HOST, f"https://{HOST}", f"https://{HOST}/v1/"):
        assert find(tmp_path, {"auths": {key: auth("a", "b:c")}}) == expected
    token = find(tmp_path, {"auths": {HOST: {"identitytoken": "x"}}})
    assert token == Credentials(HERE, identity_token="x")
    assert "b:c" not in repr(expected)


def test_the_longest_entry_wins(tmp_path: Path) -> None:
    entries = {HOST: auth("all", ""), f"{HOST}/team": auth("team", "")}
    found = [find(tmp_path, {"auths": entries}, path) for path in ("team/app", "x/app")]
    assert [item and item.user for item in found] == ["team", "all"]


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("team/app", "team/app"),
        ("team/app/x", "team/app"),
        ("team/ap", "team"),
        ("team/other", "team"),
        ("teams/app", "all"),
        ("x", "all"),
    ],
)
def test_namespaces(tmp_path: Path, path: str, user: str) -> None:
    names = ("other/team", "team", "app", "team/app", "team/app/x/y")
    entries = {f"{HOST}/{name}": auth(name, "") for name in names}
    found = find(tmp_path, {"auths": {**entries, HOST: auth("all", "")}}, path)
    assert found and found.user == user


def test_another_namespaces_password_is_not_sent(tmp_path: Path) -> None:
    for key in (
        f"{HOST}/other",
        f"{HOST}/team/ap",
        f"{HOST}/v1/x",
        f"x.{HOST}",
        "registry.example",
    ):
        assert find(tmp_path, {"auths": {key: auth("a", "b")}}) is None


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
@pytest.mark.parametrize(
    "key",
    [
        "https://index.docker.io/v1/",
        "index.docker.io/v1/",
        "https://index.docker.io",
        "docker.io",
        "registry-1.docker.io",
        "https://registry-1.docker.io/v2/",
        "docker.io/team",
    ],
)
def test_docker_hub(tmp_path: Path, host: str, key: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {key: auth("a", "b")}}))
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    assert credentials.find(host, "team/app", environment) == Credentials(HERE, "a", "b")
    assert credentials.find("hub.example", "team/app", environment) is None


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("registry.example", "Registry.Example"),
        ("registry.example", "registry.example:443"),
        ("registry.example:443", "https://registry.example/"),
        ("[::1]:5000", "[0:0::1]:5000"),
    ],
)
def test_hosts_in_other_spellings(tmp_path: Path, host: str, key: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {key: auth("a", "b")}}))
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    assert credentials.find(host, "a", environment) == Credentials(HERE, "a", "b")


def test_podmans_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "RUN", tmp_path / "run")
    home = {"HOME": str(tmp_path / "home")}
    places = [
        (tmp_path / "home/.config/containers", home),
        (tmp_path / "config/containers", {**home, "XDG_CONFIG_HOME": str(tmp_path / "config")}),
        (tmp_path / "run" / str(os.getuid()), {}),
        (tmp_path / "runtime/containers", {"XDG_RUNTIME_DIR": str(tmp_path / "runtime")}),
    ]
    for folder, environment in places:
        folder.mkdir(parents=True)
        entry = {"auths": {HOST: auth(folder.parent.name, "")}}
        (folder / "auth.json").write_text(json.dumps(entry))
        found = credentials.find(HOST, "a", environment)
        assert found and found.user == folder.parent.name


@pytest.mark.skipif(os.geteuid() == 0, reason="SKIPPED: no folder is closed to root")
def test_a_closed_folder_has_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "containers"
    closed.mkdir(mode=0)
    monkeypatch.setattr(credentials, "RUN", closed)
    assert credentials.find(HOST, "team/app", {}) is None
    (tmp_path / "config.json").write_text(json.dumps({"auths": {HOST: auth("a", "b")}}))
    environment = {"DOCKER_CONFIG": str(tmp_path), "XDG_RUNTIME_DIR": str(closed)}
    assert credentials.find(HOST, "team/app", environment) == Credentials(HERE, "a", "b")


def test_an_empty_entry_is_none(tmp_path: Path) -> None:
    content = {"auths": {HOST: {}, f"https://{HOST}": auth("a", "b")}}
    assert find(tmp_path, content) == Credentials(HERE, "a", "b")


def test_the_files_in_order(tmp_path: Path) -> None:
    named, home = tmp_path / "auth.json", tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    named.write_text(json.dumps({"auths": {HOST: auth("podman", "")}}))
    (home / ".docker/config.json").write_text(json.dumps({"auths": {HOST: auth("docker", "")}}))
    environment = {"HOME": str(home)}
    found = credentials.find(HOST, "a", environment)
    assert found and found.user == "docker"
    found = credentials.find(HOST, "a", {**environment, "REGISTRY_AUTH_FILE": str(named)})
    assert found and found.user == "podman"


def helper(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "docker-credential-test"
    program.write_text("#!/bin/sh\nread -r host\n" + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, """printf '{"Username": "u", "Secret": "%s"}' "$host"\n""", monkeypatch)
    expected = Credentials(HERE, "u", HOST)
    assert find(tmp_path, {"credHelpers": {HOST: "test"}}) == expected
    assert find(tmp_path, {"credsStore": "test"}) == expected
    helper(tmp_path, """echo '{"Username": "<token>", "Secret": "t"}'\n""", monkeypatch)
    assert find(tmp_path, {"credsStore": "test"}) == Credentials(HERE, identity_token="t")
    helper(tmp_path, "echo credentials not found in native keychain; exit 1\n", monkeypatch)
    assert find(tmp_path, {"credsStore": "test"}) is None


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo locked >&2; exit 1\n", "docker-credential-test failed for .*: locked"),
        ("echo hello\n", "its answer for .* is not understood"),
        (None, "its credential helper docker-credential-test is not on PATH"),
    ],
)
def test_broken_helpers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, why: str
) -> None:
    if script:
        helper(tmp_path, script, monkeypatch)
    with pytest.raises(RegistryError, match=why):
        find(tmp_path, {"credsStore": "test"})


@pytest.mark.parametrize(
    "answer",
    [
        {"Username": "a", "Secret": "b\nX-Header: c"},
        {"Username": "a\x1b[2J", "Secret": "b"},
        {"Username": "a:b", "Secret": "c"},
        {"Username": "a", "Secret": 5},
        {"Username": None, "Secret": "b"},
        {"Username": "<token>", "Secret": "t\r\nx"},
        {"Username": ["a"], "Secret": {}},
        [],
        "text",
    ],
)
def test_helpers_that_say_what_no_header_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    (tmp_path / "answer").write_text(json.dumps(answer))
    helper(tmp_path, f"cat {tmp_path}/answer\n", monkeypatch)
    with pytest.raises(RegistryError) as caught:
        find(tmp_path, {"credsStore": "test"})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("script", [r"printf '\377\000'", "printf '%050000d' 0 | tr 0 '['"])
def test_helpers_whose_output_is_no_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    helper(tmp_path, script + "\n", monkeypatch)
    with pytest.raises(RegistryError, match="is not understood"):
        find(tmp_path, {"credsStore": "test"})


def test_helpers_for_docker_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As docker's own: it knows the address alone.
    script = """
    [ "$host" = https://index.docker.io/v1/ ] || { echo credentials not found; exit 1; }
    echo '{"Username": "u", "Secret": "p"}'
    """
    helper(tmp_path, script, monkeypatch)
    for content in ({"credsStore": "test"}, {"credHelpers": {"docker.io": "test"}}):
        (tmp_path / "config.json").write_text(json.dumps(content))
        found = credentials.find("docker.io", "a/b", {"DOCKER_CONFIG": str(tmp_path)})
        assert found == Credentials(HERE, "u", "p")


def test_slow_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper_module, "SECONDS", 0.2)
    helper(tmp_path, "exec sleep 5\n", monkeypatch)
    with pytest.raises(RegistryError, match=r"no answer within 0\.2 s"):
        find(tmp_path, {"credsStore": "test"})


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"[]",
        b"5",
        b"\xff",
        b'{"auths": ["a"]}',
        b'{"auths": {"%s": 5}}' % HOST.encode(),
        b'{"auths": {"%s": {"auth": 5}}}' % HOST.encode(),
        b'{"auths": {"%s": {"auth": "YTpiCg=="}}}' % HOST.encode(),
        b'{"auths": {"%s": {"identitytoken": ["a"]}}}' % HOST.encode(),
        b'{"auths": {"%s": {"username": "a", "password": 5}}}' % HOST.encode(),
        b'{"auths": {"%s": {"username": "a\\ud800", "password": "b"}}}' % HOST.encode(),
        b'{"auths": {"%s": {"identitytoken": "\\udfff"}}}' % HOST.encode(),
        b'{"credHelpers": 5}',
        b'{"credHelpers": {"%s": "../../bin/sh"}}' % HOST.encode(),
        b'{"credsStore": ["a"]}',
    ],
)
def test_files_that_others_wrote(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(RegistryError, match=r"config\.json"):
        credentials.find(HOST, "team/app", {"DOCKER_CONFIG": str(tmp_path)})


def test_broken_files(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"config\.json: the auth of .* is not base64"):
        find(tmp_path, {"auths": {HOST: {"auth": "??"}}})
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RegistryError, match=r"config\.json: can't be read"):
        credentials.find(HOST, "a", {"DOCKER_CONFIG": str(tmp_path)})
