"""Credential helpers: programs docker-credential-NAME that keep logins, as docker calls them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

from tools.oci.registry.login import Credentials
from tools.oci.registry.registry_error import RegistryError

SECONDS = 60.0
# Said instead of a user's name when the secret is an identity token.
_NOBODY: Final = "<token>"
_SHOWN: Final = 200


def ask(name: object, server: str, source: Path) -> Credentials | None:
    """Ask the program docker-credential-<name>, which `source` names, for the login of `server`.

    None where it has none. RegistryError where it fails or isn't understood.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise RegistryError(f"{source}: {name!r} is no name of a credential helper")
    program = f"docker-credential-{name}"
    try:
        result = subprocess.run(
            [program, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise RegistryError(f"{source}: its credential helper {program} is not on PATH") from None
    except subprocess.TimeoutExpired:
        raise RegistryError(f"{program}: no answer within {SECONDS:g} s") from None
    except OSError as error:
        raise RegistryError(f"{source}: {program}: {error.strerror}") from None
    if result.returncode:
        said = (result.stdout + result.stderr).decode(errors="replace").strip()
        if "credentials not found" in said:
            return None
        raise RegistryError(f"{program} failed for {server}: {said[:_SHOWN] or result.returncode}")
    return _understand(result.stdout, program, server, source)


def _understand(said: bytes, program: str, server: str, source: Path) -> Credentials | None:
    try:
        answer: Any = json.loads(said)
        user, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RegistryError(f"{program}: its answer for {server} is not understood") from None
    if user == _NOBODY:
        return Credentials(source, identity_token=secret)
    # Some say nothing where they have nothing.
    return Credentials(source, user, secret) if user or secret else None
