"""Where logins are found: in the files of docker, podman and crane, by those programs' rules.

docker's config.json is described at docs.docker.com/reference/cli/docker/login, podman's auth.json
in containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tools.net import origin
from tools.net.net_errors import PolicyError
from tools.oci.registry import helper, settings_file
from tools.oci.registry.login import Credentials
from tools.oci.registry.reference import HUB_NAMES
from tools.oci.registry.registry_error import RegistryError

# Of podman, for users without XDG_RUNTIME_DIR: root, mostly.
RUN: Final = Path("/run/containers")
# What docker calls its Hub, in files and towards credential helpers.
_HUB_KEY: Final = "https://index.docker.io/v1/"


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
    yield RUN / str(os.getuid()) / "auth.json"
    if home := environment.get("HOME"):
        yield Path(
            environment.get("XDG_CONFIG_HOME") or Path(home, ".config"), "containers/auth.json"
        )


def find(host: str, path: str, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """Return the credentials for the repository `path` of `host`, or None for an anonymous user.

    The first file that has any decides. In it a helper named for the host goes before the file's
    own entries, and the general helper after them; of entries (podman allows HOST/PATH) the longest
    that fits is taken. RegistryError names the file that can't be read.
    """
    for source in auth_files(environment):
        if settings_file.is_file(source) and (found := _File(source).find(host, path)):
            return found
    return None


class _File:
    """One file with logins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content: Any = json.loads(path.read_bytes())
            self._auths: dict[str, Any] = content.get("auths") or {}
            self._helpers: dict[str, Any] = content.get("credHelpers") or {}
            self._store: Any = content.get("credsStore") or ""
            if not isinstance(self._auths, dict) or not isinstance(self._helpers, dict):
                raise ValueError("auths and credHelpers are objects")
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise RegistryError(f"{path}: can't be read: {error}") from None

    def find(self, host: str, path: str) -> Credentials | None:
        names = _names(host)
        for key, program in self._helpers.items():
            fits = _key(key) in [(name, "") for name in names]
            if fits and (found := self._ask(program, host, key)):
                return found
        parts = path.split("/")
        for length in range(len(parts), -1, -1):
            wanted = "/".join(parts[:length])
            for key, entry in self._auths.items():
                of_host, of_path = _key(key)
                fits = of_host in names and of_path == wanted
                if fits and (found := self._of_entry(entry, key)):
                    return found
        return self._ask(self._store, host, host) if self._store else None

    def _ask(self, program: object, host: str, key: str) -> Credentials | None:
        """Ask a helper for the host, by all names it may have kept the login under."""
        asked = [_HUB_KEY, *HUB_NAMES] if host in HUB_NAMES else [host]
        for name in dict.fromkeys([*asked, key]):
            if found := helper.ask(program, name, self._path):
                return found
        return None

    def _of_entry(self, entry: object, key: str) -> Credentials | None:
        """Return what an entry says; None where it's empty, as with a helper."""
        if not isinstance(entry, dict):
            raise RegistryError(f"{self._path}: the entry of {key} is not an object")
        if token := entry.get("identitytoken"):
            return Credentials(self._path, identity_token=token)
        if token := entry.get("registrytoken"):
            return Credentials(self._path, registry_token=token)
        if entry.get("username"):
            return Credentials(self._path, entry["username"], entry.get("password", ""))
        if not entry.get("auth"):
            return None
        try:
            told = base64.b64decode(entry["auth"], validate=True).decode()
            user, colon, password = told.partition(":")
        except (binascii.Error, UnicodeDecodeError, TypeError, ValueError):
            colon = ""
        if not colon:
            raise RegistryError(f"{self._path}: the auth of {key} is not base64 of user:password")
        return Credentials(self._path, user, password.rstrip("\0"))


def _names(host: str) -> tuple[str, ...]:
    """Return what a host may be called in a file: in one spelling, and all of Docker Hub's."""
    name = _spelt(host)
    return HUB_NAMES if name in HUB_NAMES else (name,)


def _spelt(host: str) -> str:
    """Return HOST[:PORT] in one spelling; what is no host, as it is."""
    try:
        return origin.authority(host).authority
    except PolicyError:
        return host


def _key(key: str) -> tuple[str, str]:
    """Return (host, namespace) of an entry's name.

    docker writes addresses, whose path means nothing; podman HOST or HOST/NAMESPACE.
    """
    scheme, mark, rest = key.partition("://")
    host, _, path = (rest if mark else scheme).partition("/")
    path = path.strip("/")
    # As docker wrote it of old, without a scheme: HOST/v1/.
    return _spelt(host), "" if mark or path in ("v1", "v2") else path
