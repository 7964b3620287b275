"""Authorisation as a registry's challenge asks for it: a user's name and password, or a token."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Sequence
from typing import Any, Final

from tools.net import challenge, limits
from tools.net.net_errors import PolicyError
from tools.net.origin import Origin, Url
from tools.net.session import Answer, Authorization, Request, Session
from tools.oci.registry import answers
from tools.oci.registry.login import Credentials
from tools.oci.registry.registry_error import RegistryError

_CLIENT: Final = "python-images"
# RFC 6750 has fewer characters; none of these can end a header.
_TOKEN: Final = re.compile(r"[!-~]{1,65536}")

Challenges = dict[str, dict[str, str]]


def challenges(answer: Answer, registry: Origin) -> Challenges:
    """Return how the registry wants a request authorised.

    What another server says, to which the registry redirected, counts for nothing: it would name
    its own token service. Raises RegistryError.
    """
    if answer.url.origin != registry:
        raise RegistryError(
            f"{registry.authority}: redirects to {answer.url.origin}, which wants a login;"
            " it is not given that of another registry"
        )
    try:
        return challenge.parse(answer.header("WWW-Authenticate"))
    except PolicyError as error:
        raise RegistryError(f"{registry.authority}: sends {error}") from None


def authorise(
    session: Session,
    registry: Url,
    asked: Challenges,
    found: Credentials | None,
    scopes: Sequence[str],
) -> Authorization:
    """Return the authorisation for the registry with these scopes. Raises RegistryError, NetError.

    `registry` is the address of its root.
    """
    if found and found.registry_token:
        return Authorization(registry.origin, f"Bearer {found.registry_token}")
    if "bearer" in asked:
        token = _token(session, registry, asked["bearer"], found, scopes)
        return Authorization(registry.origin, f"Bearer {token}")
    if "basic" in asked:
        if not found or found.identity_token:
            raise RegistryError("the registry wants a user and none is known")
        return Authorization(registry.origin, found.basic())
    raise RegistryError(f"unknown kind of challenge {sorted(asked)}")


def _realm(session: Session, registry: Url, asked: dict[str, str]) -> Url:
    """Return the token service's address: HTTPS, or this machine's for a registry on it."""
    try:
        realm = registry.join(asked.get("realm", ""))
        session.check(realm, registry)
    except PolicyError as error:
        raise RegistryError(
            f"its token service is no safe place for a login: {error};"
            " --insecure sends logins in the clear"
        ) from None
    return realm


def _token(
    session: Session,
    registry: Url,
    asked: dict[str, str],
    found: Credentials | None,
    scopes: Sequence[str],
) -> str:
    """Get an access token from the registry's token service."""
    realm = _realm(session, registry, asked)
    parameters = [("service", asked["service"])] if asked.get("service") else []
    if found and found.identity_token:
        answer = session.request(_exchange(realm, parameters, found.identity_token, scopes))
    else:
        parameters += [("scope", scope) for scope in scopes]
        query = ("&" if "?" in realm.target else "?") + urllib.parse.urlencode(parameters)
        answer = session.request(
            Request(
                "GET",
                Url(realm.origin, realm.target + query),
                authorization=Authorization(realm.origin, found.basic()) if found else None,
                limit=limits.TOKEN,
            )
        )
    return _read(realm, answer)


def _exchange(
    realm: Url, parameters: list[tuple[str, str]], identity: str, scopes: Sequence[str]
) -> Request:
    """Return the request that turns an identity token into an access token (OAuth 2)."""
    parameters = [
        ("grant_type", "refresh_token"),
        ("client_id", _CLIENT),
        ("refresh_token", identity),
        *parameters,
        # In a form all scopes are one value, in a query each is one.
        ("scope", " ".join(scopes)),
    ]
    form = urllib.parse.urlencode(parameters).encode()
    return Request(
        "POST",
        realm,
        {"Content-Type": "application/x-www-form-urlencoded"},
        body=lambda: form,
        length=len(form),
        limit=limits.TOKEN,
        form=True,
    )


def _read(realm: Url, answer: Answer) -> str:
    """Return the token of a token service's answer."""
    if not answers.is_good(answer):
        raise RegistryError(f"{realm.shown} answers {answers.errors(answer)}")
    try:
        told: dict[str, Any] = json.loads(answer.body)
        token = told.get("token") or told["access_token"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        token = None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RegistryError(f"{realm.shown} answers {answer.reason}, but with no token")
    return token
