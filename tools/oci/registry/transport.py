"""HTTP to one registry: connections, retries, authorisation, TLS."""

from __future__ import annotations

import dataclasses
import http.client
import io
import json
import os
import random
import re
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from tools.oci.registry import credentials
from tools.oci.registry.errors import RegistryError
from tools.oci.registry.reference import Repository

ATTEMPTS: Final = 5
TIMEOUT: Final = 60
RETRY_STATUS: Final = frozenset((408, 429, 500, 502, 503, 504))
# A dropped connection, a half answer, no answer in time; not: an unknown host, a bad certificate.
RETRY_ERRORS: Final = (ConnectionError, TimeoutError, http.client.HTTPException)
# Where distributions keep their trust store, for an OpenSSL built for another one.
TRUST_STORES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_REDIRECTS: Final = 5


@dataclasses.dataclass
class Answer:
    """A registry's answer; `body` is read completely."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    url: str

    def errors(self) -> str:
        """Return what the registry says is wrong, for people."""
        try:
            told = json.loads(self.body)["errors"]
            text = "; ".join(f"{e.get('code', '')} {e.get('message', '')}".strip() for e in told)
        except (ValueError, KeyError, TypeError, AttributeError):
            text = self.body[:200].decode(errors="replace").strip()
        reason = http.client.responses.get(self.status, "")
        return f"{self.status} {reason}" + (f" ({text})" if text else "")


def parse_challenges(header: str) -> dict[str, dict[str, str]]:
    """Return the parameters of each scheme (lower case) of a WWW-Authenticate header."""
    challenges: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    pattern = r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))|([A-Za-z][\w-]*)'
    for key, quoted, bare, scheme in re.findall(pattern, header):
        if scheme:
            current = challenges.setdefault(scheme.lower(), {})
        else:
            current[key.lower()] = quoted or bare
    return challenges


def trust(insecure: bool) -> ssl.SSLContext:
    """Return the TLS settings: the machine's own trust store, or no checks at all."""
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not context.cert_store_stats()["x509_ca"] and "SSL_CERT_FILE" not in os.environ:
        for path in TRUST_STORES:
            if Path(path).is_file():
                context.load_verify_locations(path)
                break
    return context


class Part(io.RawIOBase):
    """`size` bytes of a file from `start` on, telling `advance` how many were read."""

    def __init__(self, path: Path, start: int, size: int, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._file: BinaryIO = path.open("rb")
        self._file.seek(start)
        self._left = size
        self._advance = advance

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        data = self._file.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        self._advance(len(data))
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class Transport:
    """Requests to the registry of one repository; safe to use from several threads.

    With `insecure` certificates are not checked, and plain HTTP is spoken where TLS is not.
    `also_read` are paths of repositories of this registry that blobs may be mounted from. `actions`
    is what the repository itself is needed for: "pull,push", or "pull".
    """

    def __init__(
        self,
        repository: Repository,
        *,
        insecure: bool = False,
        also_read: Sequence[str] = (),
        actions: str = "pull,push",
        environment: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.repository = repository
        self._insecure = insecure
        self._also_read = tuple(also_read)
        self._actions = actions
        self._environment = environment
        self._sleep = sleep
        self._log = log
        self._tls = trust(insecure)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._authorization: str | None = None
        self._base = ""
        self._connected = False
        self._challenges: dict[str, dict[str, str]] = {}

    def connect(self) -> None:
        """Find out how the registry speaks, and authorise; RegistryError where it can't be used."""
        schemes = ["https"]
        if self._insecure or self.repository.is_loopback:
            schemes.append("http")
        for scheme in schemes:
            self._base = f"{scheme}://{self.repository.host}"
            try:
                answer = self._with_retries("GET", f"{self._base}/v2/", {}, None)
            except ssl.SSLCertVerificationError as error:
                raise RegistryError(
                    f"{self.repository.host}: its certificate is not trusted:"
                    f" {error.verify_message}; name its authority's file in SSL_CERT_FILE"
                ) from None
            except (ssl.SSLError, ConnectionResetError, http.client.HTTPException) as error:
                if scheme == schemes[-1]:
                    raise RegistryError(
                        f"{self.repository.host}: does not speak TLS ({error});"
                        " --insecure allows plain HTTP"
                    ) from None
                continue
            break
        self._connected = True
        self._challenges = parse_challenges(answer.headers.get("WWW-Authenticate") or "")
        if answer.status == 401:
            self._authorise()
        elif answer.status != 200:
            raise RegistryError(
                f"{self.repository.host}: is this a registry? /v2/ answers {answer.errors()}"
            )

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], bytes | Part] | None = None,
        *,
        retry: bool = True,
    ) -> Answer:
        """Send a request and return the answer, whatever its status (but see below).

        `path` is a path of the registry or a whole URL (an upload's location). `body` is called
        anew for each attempt. Without `retry` errors of the connection are raised as they are.
        401 and 403 raise RegistryError, once a fresh authorisation didn't help.
        """
        url = urllib.parse.urljoin(self._base + "/", path)
        send = self._with_retries if retry else self._once
        for fresh in (False, True):
            authorization = self._authorization
            answer = send(method, url, dict(headers or {}), body)
            if answer.status != 401 or fresh:
                break
            with self._lock:
                # Another thread may have renewed it meanwhile.
                if authorization == self._authorization:
                    challenge = answer.headers.get("WWW-Authenticate") or ""
                    self._challenges = parse_challenges(challenge) or self._challenges
                    self._authorise()
        if answer.status in (401, 403):
            raise self._refused(answer.errors())
        return answer

    def _refused(self, why: str) -> RegistryError:
        return RegistryError(
            f"{self.repository}: not authorised: {why}; log in to {self.repository.host}"
            " (docker login, podman login, crane auth login) as a user that may"
            f" {self._actions.replace(',', ' and ')} here"
        )

    def _authorise(self) -> None:
        """Set the Authorization header as the registry's challenge asks."""
        found = credentials.find(self.repository.host, self.repository.path, self._environment)
        if "bearer" in self._challenges:
            self._authorization = "Bearer " + self._token(self._challenges["bearer"], found)
        elif "basic" in self._challenges:
            if not found:
                raise self._refused("the registry wants a user and none is known")
            self._authorization = found.basic()
        else:
            raise self._refused(f"unknown kind of challenge {sorted(self._challenges)}")

    def _token(self, challenge: dict[str, str], found: credentials.Credentials | None) -> str:
        """Get an access token for the repository from the registry's token service."""
        realm = challenge.get("realm", "")
        scopes = [f"repository:{self.repository.path}:{self._actions}"]
        scopes += [f"repository:{path}:pull" for path in self._also_read]
        parameters: dict[str, str | list[str]] = {"scope": scopes}
        if service := challenge.get("service"):
            parameters["service"] = service
        headers: dict[str, str] = {}
        body: Callable[[], bytes] | None = None
        method = "GET"
        if found and found.identity_token:
            # In a form all scopes are one value, in a query each is one.
            parameters["scope"] = " ".join(scopes)
            parameters |= {"grant_type": "refresh_token", "refresh_token": found.identity_token}
            parameters["client_id"] = "python-images"
            method, form = "POST", urllib.parse.urlencode(parameters).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = lambda: form  # noqa: E731
        else:
            realm += ("&" if "?" in realm else "?") + urllib.parse.urlencode(parameters, doseq=True)
            if found:
                headers["Authorization"] = found.basic()
        answer = self._with_retries(method, realm, headers, body, authorise=False)
        try:
            told: dict[str, Any] = json.loads(answer.body)
            if answer.status == 200:
                return str(told.get("token") or told["access_token"])
        except (ValueError, KeyError, AttributeError):
            pass
        raise self._refused(f"{realm.partition('?')[0]} answers {answer.errors()}")

    def pause(self, attempt: int, why: str, told: str = "") -> None:
        """Wait before a further attempt (they count from 1), longer each time, or as told."""
        wait = 0.5 * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - not a secret
        if told.isdigit():
            wait = min(float(told), 60)
        self._log(f"{why}; again in {wait:.1f} s")
        self._sleep(wait)

    def _with_retries(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Callable[[], bytes | Part] | None,
        *,
        authorise: bool = True,
    ) -> Answer:
        for attempt in range(1, ATTEMPTS + 1):
            told = ""
            try:
                answer = self._once(method, url, headers, body, authorise=authorise)
            except ssl.SSLError:
                raise
            except RETRY_ERRORS as error:
                # Nobody there from the start: a wrong host or port, hardly a restart.
                absent = isinstance(error, ConnectionRefusedError) and not self._connected
                if attempt == ATTEMPTS or absent:
                    host = urllib.parse.urlsplit(url).netloc
                    raise RegistryError(f"{host}: {error or type(error).__name__}") from error
                why = str(error) or type(error).__name__
            else:
                if answer.status not in RETRY_STATUS or attempt == ATTEMPTS:
                    return answer
                why = answer.errors()
                told = answer.headers.get("Retry-After", "")
            self.pause(attempt, f"{method} {url}: {why}", told)
        raise AssertionError("unreachable")

    def _once(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Callable[[], bytes | Part] | None,
        *,
        authorise: bool = True,
    ) -> Answer:
        """Send one request, following redirections; errors of the connection are raised."""
        for _ in range(_REDIRECTS):
            parts = urllib.parse.urlsplit(url)
            sent = {"User-Agent": "python-images", **headers}
            # The authorisation is for the registry alone, not for a storage it redirects to.
            if authorise and self._authorization and url.startswith(self._base + "/"):
                sent.setdefault("Authorization", self._authorization)
            answer = self._exchange(method, parts, sent, body)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            url = urllib.parse.urljoin(url, location)
        raise RegistryError(f"{url}: more than {_REDIRECTS} redirections")

    def _exchange(
        self,
        method: str,
        parts: urllib.parse.SplitResult,
        headers: dict[str, str],
        body: Callable[[], bytes | Part] | None,
    ) -> Answer:
        connection = self._connection(parts.scheme, parts.netloc)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        content = body() if body else None
        try:
            if method in ("POST", "PUT", "PATCH") and content is None:
                headers["Content-Length"] = "0"
            connection.request(method, target, body=content, headers=headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read(), parts.geturl())
        except socket.gaierror as error:
            raise RegistryError(f"{parts.netloc}: unknown host: {error.strerror}") from None
        except (BrokenPipeError, ConnectionResetError) as error:
            # A registry may answer (401, 413 ...) before it has read a body, and hang up.
            early = self._early_answer(connection, parts) if content is not None else None
            self._drop(parts)
            if early:
                return early
            raise error
        except BaseException:
            self._drop(parts)
            raise
        finally:
            if isinstance(content, Part):
                content.close()
        if response.will_close:
            self._drop(parts)
        return answer

    @staticmethod
    def _early_answer(
        connection: http.client.HTTPConnection, parts: urllib.parse.SplitResult
    ) -> Answer | None:
        try:
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read(), parts.geturl())
        except (OSError, http.client.HTTPException):
            return None

    def _connection(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        """Return this thread's connection to the host."""
        pool: dict[tuple[str, str], http.client.HTTPConnection]
        pool = self._local.__dict__.setdefault("pool", {})
        if (scheme, netloc) not in pool:
            proxy = self._proxy(scheme, netloc)
            # Through a proxy TLS is spoken with the registry; plain HTTP would need whole URLs.
            host = proxy if proxy and scheme == "https" else netloc
            connection = (
                http.client.HTTPSConnection(host, timeout=TIMEOUT, context=self._tls)
                if scheme == "https"
                else http.client.HTTPConnection(host, timeout=TIMEOUT)
            )
            if host != netloc:
                connection.set_tunnel(netloc)
            connection.blocksize = 256 * 1024
            pool[scheme, netloc] = connection
        return pool[scheme, netloc]

    @staticmethod
    def _proxy(scheme: str, netloc: str) -> str | None:
        """Return host:port of the proxy the machine is set up with for the host."""
        proxy = urllib.request.getproxies().get(scheme, "")
        if not proxy or urllib.request.proxy_bypass(netloc):
            return None
        return urllib.parse.urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc

    def _drop(self, parts: urllib.parse.SplitResult) -> None:
        if connection := self._local.__dict__.get("pool", {}).pop(
            (parts.scheme, parts.netloc), None
        ):
            connection.close()
