"""A login: what is shown to a registry or its token service."""

from __future__ import annotations

import base64
import dataclasses
import re
from pathlib import Path
from typing import Final

from tools.oci.registry.registry_error import RegistryError

# Control characters, and halves of characters, which JSON may escape.
_NO_TEXT: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A user and password, or a token; `source` is the file that has it, or names its helper.

    An identity token is exchanged for access tokens, a registry token is one.
    RegistryError where a part isn't text that a header can have.
    """

    source: Path = dataclasses.field(compare=False)
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    identity_token: str = dataclasses.field(default="", repr=False)
    registry_token: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        """Check what comes from files and programs."""
        for part in (self.user, self.password, self.identity_token, self.registry_token):
            # Not shown: it may be a secret.
            if not isinstance(part, str) or _NO_TEXT.search(part):
                raise RegistryError(
                    f"{self.source}: a user, password or token has control characters,"
                    " or is no text; log in again"
                )
        if ":" in self.user:
            raise RegistryError(f"{self.source}: a user's name has a colon; log in again")
        if not self.registry_token.isascii():
            raise RegistryError(f"{self.source}: a token has other characters than ASCII's")

    def basic(self) -> str:
        """Return the value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
