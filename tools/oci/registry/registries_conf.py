"""What podman's and skopeo's registries.conf says of a repository: containers-registries.conf(5).

Read are `insecure` and `blocked`. Mirrors and other locations are for pulls by name; here a
registry is always named.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tools.oci.registry import settings_file
from tools.oci.registry.reference import Repository
from tools.oci.registry.registry_error import RegistryError

SYSTEM: Final = Path("/etc/containers/registries.conf")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Whether a repository's registry may be spoken to without checks, and not at all."""

    insecure: bool = False
    blocked: bool = False


def settings_of(repository: Repository, environment: Mapping[str, str]) -> Settings:
    """Return the settings of the longest prefix that fits. RegistryError names a broken file."""
    found: tuple[int, Settings] = (0, Settings())
    for path in _files(environment):
        for entry in _entries(path):
            prefix = entry.get("prefix") or entry.get("location") or ""
            if not isinstance(prefix, str):
                raise RegistryError(f"{path}: {prefix!r} is no prefix of a registry's name")
            # A later file goes before an earlier one.
            if _fits(str(repository), prefix) and len(prefix) >= found[0]:
                settings = Settings(entry.get("insecure") is True, entry.get("blocked") is True)
                found = (len(prefix), settings)
    return found[1]


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files that count, in order."""
    if named := environment.get("CONTAINERS_REGISTRIES_CONF"):
        yield Path(named)
        return
    own = Path(environment.get("HOME", "/"), ".config/containers/registries.conf")
    # A user's own file stands for the machine's.
    main = own if settings_file.is_file(own) else SYSTEM
    if settings_file.is_file(main):
        yield main
    for folder in (SYSTEM.with_suffix(".conf.d"), own.with_suffix(".conf.d")):
        if settings_file.is_dir(folder):
            yield from sorted(folder.glob("*.conf"))


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        listed = tomllib.loads(path.read_text()).get("registry", [])
    except (OSError, ValueError, RecursionError) as error:
        raise RegistryError(f"{path}: can't be read: {error}") from None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise RegistryError(f"{path}: registry is no list of tables")
    return listed


def _fits(name: str, prefix: str) -> bool:
    """Whether a repository, HOST/PATH, is below a prefix; `*.HOST` is all hosts below HOST."""
    if prefix.startswith("*."):
        return name.partition("/")[0].partition(":")[0].endswith(prefix[1:])
    return bool(prefix) and (name == prefix or name.startswith(prefix + "/"))
