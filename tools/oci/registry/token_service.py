"""For tests: a token service as Docker's specification has it, whose tokens a real registry reads.

distribution.github.io/distribution/spec/auth/token
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
import urllib.parse
from pathlib import Path

from tools.net import certificates
from tools.oci.registry.fake_registry import PASSWORD, USER

SERVICE, ISSUER, IDENTITY = "zoo", "zoo tokens", "1dentity-token"
# Nobody may read these repositories.
SECRET = "secret/"  # noqa: S105 - a path


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class TokenService:
    """Gives its one user, by password or identity token, what is asked for, but for SECRET.

    With `last_scope_only` a token has the last scope that was asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate, self._key = certificates.make(folder, "tokens.test")
        self.last_scope_only = False
        self.identity_only = False

    def settings(self, realm: str) -> dict[str, str]:
        """Return what a registry has to be told to believe the tokens."""
        return {
            "realm": realm,
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": str(self.certificate),
        }

    def answer(self, method: str, query: str, form: str, authorization: str) -> tuple[int, bytes]:
        """Return (status, body) for a request."""
        fields = urllib.parse.parse_qs(form if method == "POST" else query)
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if method == "POST":
            known = fields.get("refresh_token") == [IDENTITY]
            known &= fields.get("grant_type") == ["refresh_token"]
            scopes = fields.get("scope", [""])[0].split()
        else:
            known = authorization == basic and not self.identity_only
            scopes = [scope for value in fields.get("scope", []) for scope in value.split()]
        if fields.get("service") != [SERVICE] or not known:
            return 401, b'{"errors": [{"code": "UNAUTHORIZED"}]}'
        if self.last_scope_only:
            scopes = scopes[-1:]
        key = "access_token" if method == "POST" else "token"
        return 200, json.dumps({key: self._token(scopes)}).encode()

    def _token(self, scopes: list[str]) -> str:
        """Return a JSON web token, signed as RS256."""
        lines = self.certificate.read_text().splitlines()
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(lines[1:-1])]}
        now = int(time.time())
        access = []
        for kind, name, actions in (scope.split(":") for scope in scopes):
            allowed = [] if name.startswith(SECRET) else actions.split(",")
            access.append({"type": kind, "name": name, "actions": allowed})
        claims = {
            "iss": ISSUER,
            "sub": USER,
            "aud": SERVICE,
            "exp": now + 600,
            "nbf": now - 60,
            "iat": now,
            "jti": str(time.monotonic_ns()),
            "access": access,
        }
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self._key],
            input=signed.encode(),
            capture_output=True,
            check=True,
        ).stdout
        return f"{signed}.{_encoded(signature)}"
