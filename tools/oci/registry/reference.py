"""Names of repositories and tags."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from tools.net import origin
from tools.net.net_errors import PolicyError
from tools.oci.registry.registry_error import RegistryError

_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH: Final = re.compile(rf"{_PART}(?:/{_PART})*")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?")
# The names Docker Hub goes by; its API is at one of them alone.
HUB_NAMES: Final = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_API: Final = "registry-1.docker.io"
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclasses.dataclass(frozen=True)
class Repository:
    """A repository of a registry: `host` (with its port, if any) and `path`."""

    host: str
    path: str

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.host}/{self.path}"

    @property
    def api_host(self) -> str:
        """Where the registry's API is: the host itself, but for Docker Hub."""
        return _HUB_API if self.host in HUB_NAMES else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is this machine itself, where plain HTTP is fine."""
        return origin.authority(self.host).is_loopback


def parse_repository(text: str) -> Repository:
    """Return the repository `text` names, written host[:port]/path without tag or digest."""
    host, slash, path = text.partition("/")
    if not slash or not _HOST.fullmatch(host) or not re.search(r"[.:]|^localhost$", host):
        raise RegistryError(
            f"{text!r}: a repository begins with its registry's host: HOST[:PORT]/PATH"
        )
    if "@" in path or ":" in path:
        raise RegistryError(f"{text!r}: a repository has no tag or digest; give tags with --tag")
    if not _PATH.fullmatch(path):
        raise RegistryError(
            f"{text!r}: a repository's path is lower-case letters, digits and . _ - between slashes"
        )
    try:
        origin.authority(host)
    except PolicyError as error:
        raise RegistryError(f"{text!r}: {error}") from None
    if host in HUB_NAMES and "/" not in path:
        # Docker's own images, which people name without it.
        path = f"library/{path}"
    return Repository(host, path)


def is_path(text: str) -> bool:
    """Whether `text` is the path of a repository, without its registry's host."""
    return bool(_PATH.fullmatch(text))


def check_path(path: str) -> str:
    """Return `path` where it is one of a repository, without its registry's host."""
    if not is_path(path):
        raise RegistryError(f"{path!r}: not a repository's path; it has neither host nor tag")
    return path


def check_tag(tag: str) -> str:
    """Return `tag` where it is one."""
    if not _TAG.fullmatch(tag):
        raise RegistryError(
            f"{tag!r}: a tag is up to 128 letters, digits and . _ - and begins with none of . -"
        )
    return tag
