"""Where credentials are found, and what is said of broken ones."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tools.oci.registry import credentials
from tools.oci.registry.errors import RegistryError

HOST = "registry.example:5000"


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def find(folder: Path, content: Any, path: str = "team/app") -> credentials.Credentials | None:
    (folder / "config.json").write_text(json.dumps(content))
    return credentials.find(HOST, path, {"DOCKER_CONFIG": str(folder)})


def test_entries(tmp_path: Path) -> None:
    assert find(tmp_path, {}) is None
    assert find(tmp_path, {"auths": {"other.example": auth("a", "b")}}) is None
    expected = credentials.Credentials("a", "b:c")
    for key in (HOST, f"https://{HOST}", f"https://{HOST}/v1/"):
        assert find(tmp_path, {"auths": {key: auth("a", "b:c")}}) == expected
    token = find(tmp_path, {"auths": {HOST: {"identitytoken": "x"}}})
    assert token == credentials.Credentials(identity_token="x")
    assert "b:c" not in repr(expected)


def test_the_longest_entry_wins(tmp_path: Path) -> None:
    entries = {HOST: auth("all", ""), f"{HOST}/team": auth("team", "")}
    found = [find(tmp_path, {"auths": entries}, path) for path in ("team/app", "x/app")]
    assert [item and item.user for item in found] == ["team", "all"]


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
    expected = credentials.Credentials("u", HOST)
    assert find(tmp_path, {"credHelpers": {HOST: "test"}}) == expected
    assert find(tmp_path, {"credsStore": "test"}) == expected
    helper(tmp_path, """echo '{"Username": "<token>", "Secret": "t"}'\n""", monkeypatch)
    assert find(tmp_path, {"credsStore": "test"}) == credentials.Credentials(identity_token="t")
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


def test_broken_files(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"config\.json: the auth of .* is not base64"):
        find(tmp_path, {"auths": {HOST: {"auth": "??"}}})
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RegistryError, match=r"config\.json: can't be read"):
        credentials.find(HOST, "a", {"DOCKER_CONFIG": str(tmp_path)})
