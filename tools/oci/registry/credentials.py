"""Credentials as docker, podman and crane keep them: auth files and credential helpers."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.oci.registry.errors import RegistryError

_HELPER_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A user and password, or an identity token to be exchanged for an access token."""

    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    identity_token: str = dataclasses.field(default="", repr=False)

    def basic(self) -> str:
        """Return the value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def auth_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where credentials may be, most specific first."""
    if named := environment.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if folder := environment.get("DOCKER_CONFIG"):
        yield Path(folder, "config.json")
    elif home := environment.get("HOME"):
        yield Path(home, ".docker/config.json")
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers/auth.json")
    if home := environment.get("HOME"):
        yield Path(
            environment.get("XDG_CONFIG_HOME") or Path(home, ".config"), "containers/auth.json"
        )


def _host_of(key: str) -> str:
    """Return the host of an auth file's key, which may be a URL."""
    return key.removeprefix("https://").removeprefix("http://").split("/", 1)[0]


def _from_helper(name: str, host: str, source: Path) -> Credentials | None:
    """Ask the program docker-credential-<name> for the credentials of `host`."""
    program = f"docker-credential-{name}"
    try:
        result = subprocess.run(
            [program, "get"],
            input=host,
            capture_output=True,
            text=True,
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise RegistryError(f"{source}: its credential helper {program} is not on PATH") from None
    except subprocess.TimeoutExpired:
        raise RegistryError(f"{program}: no answer within {_HELPER_SECONDS} s") from None
    if result.returncode:
        said = (result.stdout + result.stderr).strip()
        if "credentials not found" in said:
            return None
        raise RegistryError(f"{program} failed for {host}: {said or result.returncode}")
    try:
        answer = json.loads(result.stdout)
        user, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError):
        raise RegistryError(f"{program}: its answer for {host} is not understood") from None
    # Said instead of a user name when the secret is an identity token.
    if user == "<token>":
        return Credentials(identity_token=secret)
    return Credentials(user, secret)


def _from_entry(entry: dict[str, Any], source: Path, host: str) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials(identity_token=token)
    if entry.get("username"):
        return Credentials(entry["username"], entry.get("password", ""))
    if not entry.get("auth"):
        return None
    try:
        user, colon, password = base64.b64decode(entry["auth"]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, TypeError):
        colon = ""
    if not colon:
        raise RegistryError(f"{source}: the auth of {host} is not base64 of user:password")
    return Credentials(user, password.rstrip("\0"))


def find(host: str, path: str, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """Return the credentials for the repository `path` of `host`, or None for an anonymous user.

    A helper named for the host goes before the file's own entries, and the general helper
    after them; of entries (podman allows host/path) the longest that fits is taken.
    """
    for source in auth_files(environment):
        if not source.is_file():
            continue
        try:
            content = json.loads(source.read_text())
            auths: dict[str, Any] = content.get("auths") or {}
            helpers: dict[str, str] = content.get("credHelpers") or {}
        except (OSError, ValueError, AttributeError) as error:
            raise RegistryError(f"{source}: can't be read: {error}") from None
        if host in helpers and (found := _from_helper(helpers[host], host, source)):
            return found
        parts = f"{host}/{path}".split("/")
        for length in range(len(parts), 0, -1):
            name = "/".join(parts[:length])
            for key, entry in auths.items():
                same = key == name or (length == 1 and _host_of(key) == host)
                if same and (found := _from_entry(entry, source, host)):
                    return found
        if (store := content.get("credsStore")) and (found := _from_helper(store, host, source)):
            return found
    return None
