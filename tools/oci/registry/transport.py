"""Requests to one registry, authorised as it asks."""

from __future__ import annotations

import dataclasses
import io
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from tools.net import limits, origin
from tools.net.net_errors import BrokenError, NetError, NotTlsError, PolicyError
from tools.net.origin import Url
from tools.net.session import Answer, Authorization, Request, Session
from tools.oci.registry import answers, credentials, registries_conf, tokens
from tools.oci.registry.reference import Repository
from tools.oci.registry.registry_error import RegistryError

_REFUSED: Final = (401, 403)


class Transport:
    """Requests to the registry of one repository; safe to use from several threads.

    With `insecure`, or where registries.conf says so, certificates are not checked, and plain HTTP
    is spoken where TLS is not. RegistryError where registries.conf blocks it.
    `actions` is what the repository itself is needed for: "pull,push", or "pull".
    """

    def __init__(
        self,
        repository: Repository,
        *,
        insecure: bool = False,
        actions: str = "pull,push",
        environment: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.repository = repository
        self._actions = actions
        self._environment = environment
        settings = registries_conf.settings_of(repository, environment)
        if settings.blocked:
            raise RegistryError(f"{repository}: registries.conf blocks it")
        insecure = insecure or settings.insecure
        self._session = Session(insecure=insecure, environment=environment, sleep=sleep, log=log)
        self._lock = threading.Lock()
        # By what besides the repository itself may be read: "" for nothing.
        self._authorizations: dict[str, Authorization] = {}
        self._challenges: tokens.Challenges = {}
        self._root = origin.parse(f"https://{repository.api_host}/")

    def connect(self) -> None:
        """Find out how the registry speaks, and authorise; RegistryError where it can't be used."""
        schemes = ["https"]
        if self._session.insecure or self.repository.is_loopback:
            schemes.append("http")
        for scheme in schemes:
            self._root = origin.parse(f"{scheme}://{self.repository.api_host}/")
            try:
                answer = self._session.request(self._plain("GET", "/v2/"))
            except (NotTlsError, BrokenError) as error:
                if scheme == schemes[-1]:
                    hint = "; --insecure allows plain HTTP" if len(schemes) == 1 else ""
                    raise RegistryError(f"{error}{hint}") from None
            except NetError as error:
                raise RegistryError(str(error)) from None
            else:
                break
        if answer.status == 401:
            with self._lock:
                self._challenges = self._asked(answer)
                self._authorise("")
        elif not answers.is_good(answer):
            raise RegistryError(
                f"{self.repository.host}: is this a registry? /v2/ answers {answers.errors(answer)}"
            )

    def pause(self, attempt: int, why: str) -> None:
        """Wait before a further attempt; they count from 1."""
        self._session.pause(attempt, why)

    def is_own(self, url: Url) -> bool:
        """Whether an address is one of the registry itself."""
        return url.origin == self._root.origin

    def location(self, answer: Answer) -> Url | None:
        """Return where an answer says to go on, None where it doesn't. Raises RegistryError.

        Behind a proxy that ends TLS registries give their own address as http://. It is taken for
        the one they were asked at, as they can't be meant otherwise.
        """
        told = answer.header("Location")
        if not told:
            return None
        try:
            url = answer.url.join(told)
            before = answer.url.origin
            if before.scheme == "https" and url.origin.scheme == "http":
                same = url.origin.host == before.host and url.origin.port in (80, before.port)
                if same:
                    url = Url(before, url.target)
            self._session.check(url, answer.url)
        except PolicyError as error:
            raise RegistryError(f"{self.repository}: sends on to {error}") from None
        return url

    def request(
        self,
        method: str,
        path: str | Url,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], bytes] | None = None,
        *,
        limit: int = 0,
        idle: float | None = None,
    ) -> Answer:
        """Send a request and return the answer, whatever its status (but see below).

        `path` is a path of the registry, or an address it gave. 401 and 403 raise RegistryError,
        once a fresh authorisation didn't help; so does whatever goes wrong on the way.
        """
        request = self._plain(method, path, headers, limit=limit)
        if body:
            data = body()
            request = dataclasses.replace(request, body=lambda: data, length=len(data))
        if idle is not None:
            request = dataclasses.replace(request, idle=idle, seconds=idle)
        try:
            answer = self._authorised(request, self._session.request)
        except NetError as error:
            raise self._renamed(error) from None
        if answer.status in _REFUSED:
            raise self._refused(answers.errors(answer))
        return answer

    def send(
        self,
        method: str,
        url: Url,
        headers: Mapping[str, str],
        body: Callable[[], io.BufferedIOBase],
        length: int,
    ) -> Answer:
        """Send `length` bytes of a file once; BrokenError where the connection broke.

        All else is as with `request`; after a 401 `body` is called again.
        """
        request = dataclasses.replace(
            self._plain(method, url, headers),
            body=body,
            length=length,
            idle=limits.COMMIT,
            seconds=limits.COMMIT,
        )
        try:
            answer = self._authorised(request, self._session.once)
        except BrokenError:
            raise
        except NetError as error:
            raise self._renamed(error) from None
        if answer.status in _REFUSED:
            raise self._refused(answers.errors(answer))
        return answer

    def attempt(self, method: str, path: str | Url, also_read: str = "") -> Answer | None:
        """Send a request whose refusal doesn't matter; None where it can't even be authorised.

        `also_read` is the path of a repository that has to be readable for it.
        """
        request = self._plain(method, path)
        if also_read and "bearer" in self._challenges:
            try:
                with self._lock:
                    if also_read not in self._authorizations:
                        self._authorise(also_read)
                request = dataclasses.replace(
                    request, authorization=self._authorizations[also_read]
                )
            except RegistryError:
                return None
        for _ in range(2):
            try:
                return self._session.once(request)
            except BrokenError:
                # A connection kept open may have ended meanwhile.
                continue
            except NetError:
                break
        return None

    def _plain(
        self,
        method: str,
        path: str | Url,
        headers: Mapping[str, str] | None = None,
        *,
        limit: int = 0,
    ) -> Request:
        url = path if isinstance(path, Url) else Url(self._root.origin, path)
        return Request(
            method,
            url,
            dict(headers or {}),
            # For this origin alone, not for a storage it redirects to.
            authorization=self._authorizations.get(""),
            limit=limit,
        )

    def _authorised(self, request: Request, send: Callable[[Request], Answer]) -> Answer:
        """Send a request; after a 401 once more, with a fresh authorisation."""
        answer = send(request)
        if answer.status != 401 or not self.is_own(request.url):
            return answer
        with self._lock:
            # Another thread may have renewed it meanwhile.
            if request.authorization == self._authorizations.get(""):
                self._challenges = self._asked(answer) or self._challenges
                self._authorise("")
            fresh = self._authorizations[""]
        return send(dataclasses.replace(request, authorization=fresh))

    def _asked(self, answer: Answer) -> tokens.Challenges:
        return tokens.challenges(answer, self._root.origin)

    def _authorise(self, also_read: str) -> None:
        """Set the authorisation with which `also_read` may be read, besides the repository."""
        path = self.repository.path
        found = credentials.find(self.repository.host, path, self._environment)
        scopes = [f"repository:{path}:{self._actions}"]
        scopes += [f"repository:{also_read}:pull"] if also_read else []
        try:
            self._authorizations[also_read] = tokens.authorise(
                self._session, self._root, self._challenges, found, scopes
            )
        except NetError as error:
            raise self._refused(str(error)) from None

    def _refused(self, why: str) -> RegistryError:
        return RegistryError(
            f"{self.repository}: not authorised: {why}; log in to {self.repository.host}"
            " (docker login, podman login, crane auth login) as a user that may"
            f" {self._actions.replace(',', ' and ')} here"
        )

    def _renamed(self, error: NetError) -> RegistryError:
        return error if isinstance(error, RegistryError) else RegistryError(str(error))
