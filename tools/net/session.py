"""HTTP with one policy: origins, redirections, proxies, certificates, credentials, limits.

* Only HTTPS, but for this machine itself, where the user said `insecure`, and for `signed`
  content; never from HTTPS down to HTTP.
* Authorization goes to the origin it was made for, and is dropped for good where a redirection
  leaves that origin. A form, which holds a secret, is not sent on at all.
* Every answer has a limit of bytes and of seconds; so has the number of redirections.
* Every failure is a NetError.
"""

from __future__ import annotations

import dataclasses
import email.utils
import http.client
import io
import os
import random
import re
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Final

import urllib3
import urllib3.exceptions

from tools.net import limits, proxies, tls
from tools.net.connections import ExcessError, HttpPool, HttpsPool, Watch
from tools.net.net_errors import (
    AbsentError,
    BrokenError,
    LimitError,
    NetError,
    NotTlsError,
    PolicyError,
    UntrustedError,
)
from tools.net.origin import Origin, Url

RETRY_STATUS: Final = frozenset((408, 429, 500, 502, 503, 504))
_MOVED: Final = frozenset((301, 302, 303, 307, 308))
# Of them, those after which a request with a body is sent on as it is.
_KEPT: Final = frozenset((307, 308))
_AGENT: Final = "python-images"
_CHUNK: Final = 256 << 10
_PER_HOST: Final = 16
_HEADER_VALUE: Final = re.compile(r"[\t -~]*")


@dataclasses.dataclass(frozen=True)
class Authorization:
    """The value of an Authorization header, and the origin it is for."""

    origin: Origin
    value: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Request:
    """What to ask.

    `body` opens what to send, anew for each attempt, of `length` bytes. `limit` is how many bytes
    a good answer may have; `take` is given them as they arrive, else they are the answer's body.
    Before that `expect` is told how many they are, or None where the server doesn't say.
    A `form` holds a secret: it is not sent on when the server redirects. `seconds` are for the
    request as a whole, `idle` without any byte; without them they are limits.WHOLE and IDLE.
    """

    method: str
    url: Url
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    authorization: Authorization | None = None
    body: Callable[[], io.BufferedIOBase | bytes] | None = None
    length: int = 0
    limit: int = 0
    take: Callable[[bytes], object] | None = None
    expect: Callable[[int | None], object] | None = None
    form: bool = False
    seconds: float | None = None
    idle: float | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """A server's answer. `url` is who gave it: another than was asked, after redirections."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: Url

    def header(self, name: str) -> str:
        """Return a header's value, "" where there is none."""
        return str(self.headers.get(name) or "")

    @property
    def reason(self) -> str:
        """The status for people: `404 Not Found`."""
        return f"{self.status} {http.client.responses.get(self.status, '')}".strip()


def retry_after(told: str) -> float | None:
    """Return the seconds a Retry-After header asks to wait, at most LONGEST_PAUSE; else None."""
    told = told.strip()
    if re.fullmatch(r"[0-9]{1,9}", told):
        return min(float(told), limits.LONGEST_PAUSE)
    try:
        date = email.utils.parsedate_to_datetime(told[:64])
        wait = date.timestamp() - time.time()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return min(max(wait, 0.0), limits.LONGEST_PAUSE)


class Session:
    """Connections to any number of servers; safe to use from several threads.

    With `insecure` certificates are not checked and plain HTTP is spoken with any host. Content
    that is `signed`, or has a known digest, may come over plain HTTP where its address says so.
    """

    def __init__(
        self,
        *,
        insecure: bool = False,
        signed: bool = False,
        environment: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.insecure = insecure
        self.signed = signed
        self.environment = environment
        self._sleep = sleep
        self._log = log
        self._managers: dict[Origin, urllib3.PoolManager] = {}
        self._reached: set[Origin] = set()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()
            self._managers.clear()

    def check(self, url: Url, before: Url | None = None) -> None:
        """Raise PolicyError where `url` must not be asked, having been led there by `before`."""
        if url.origin.scheme == "https" or self.insecure:
            return
        if self.signed and (before is None or before.origin.scheme == "http"):
            return
        if not url.origin.is_loopback:
            raise PolicyError(f"{url.shown}: not an HTTPS address")
        # This machine's own servers are this machine's to name.
        if before and not before.origin.is_loopback:
            raise PolicyError(f"{before.shown}: leads to {url.shown}, which is not HTTPS")

    def request(self, request: Request) -> Answer:
        """Send a request, up to ATTEMPTS times; return the answer, whatever its status.

        For requests that can be sent twice. Raises NetError.
        """
        began = time.monotonic()
        for attempt in range(1, limits.ATTEMPTS + 1):
            last = attempt == limits.ATTEMPTS or time.monotonic() - began > limits.RETRYING
            told = None
            try:
                answer = self.once(request)
            except BrokenError as error:
                if last:
                    raise
                why = str(error)
            else:
                if answer.status not in RETRY_STATUS or last:
                    return answer
                why = f"{request.url.shown}: {answer.reason}"
                told = retry_after(answer.header("Retry-After"))
            self.pause(attempt, f"{request.method} {why}", told)
        raise AssertionError("unreachable")

    def pause(self, attempt: int, why: str, told: float | None = None) -> None:
        """Wait before a further attempt (they count from 1), longer each time, or as told."""
        wait = limits.PAUSE * 2 ** (attempt - 1) * random.uniform(0.7, 1.3)  # noqa: S311 - not a secret
        if told is not None:
            wait = told
        self._log(f"{why}; again in {wait:.1f} s")
        self._sleep(wait)

    def once(self, request: Request) -> Answer:
        """Send a request once and follow redirections. Raises NetError."""
        self.check(request.url)
        for name, value in request.headers.items():
            if not _HEADER_VALUE.fullmatch(value):
                raise PolicyError(f"{request.url.shown}: no value for the header {name}: {value!r}")
        seconds = request.seconds if request.seconds is not None else limits.WHOLE
        with Watch(seconds, max(request.limit, limits.ERROR)) as watch:
            for _ in range(limits.REDIRECTIONS + 1):
                answer = self._translated(request, watch)
                following = self._following(request, answer)
                if following is None:
                    return answer
                request = following
        raise LimitError(f"{request.url.shown}: more than {limits.REDIRECTIONS} redirections")

    def _following(self, request: Request, answer: Answer) -> Request | None:
        """Return the request that an answer redirects to; None where it is no redirection."""
        location = answer.header("Location")
        if answer.status not in _MOVED or not location:
            return None
        reads = request.method in ("GET", "HEAD")
        if not reads and (request.form or answer.status not in _KEPT):
            return None
        try:
            url = answer.url.join(location)
        except PolicyError as error:
            raise PolicyError(f"{request.url.shown}: redirects to {error}") from None
        self.check(url, answer.url)
        authorization, headers = request.authorization, request.headers
        if url.origin != request.url.origin:
            # For good: coming back doesn't bring it back.
            authorization = None
            headers = {k: v for k, v in headers.items() if k.lower() in ("accept", "range")}
            if not reads:
                headers |= {k: v for k, v in request.headers.items() if k.startswith("Content-")}
        return dataclasses.replace(request, url=url, authorization=authorization, headers=headers)

    def _translated(self, request: Request, watch: Watch) -> Answer:
        """Exchange one request for an answer; whatever goes wrong is a NetError."""
        host = request.url.origin.authority
        late = f"{request.url.shown}: no whole answer in {watch.seconds:g} seconds"
        try:
            answer = self._exchange(request, watch)
        except NetError:
            raise
        except ExcessError as error:
            raise LimitError(f"{request.url.shown}: its answer is {error}") from None
        except (
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
        ) as error:
            if watch.expired:
                raise LimitError(late) from None
            meant = _meaning(error, host, self._proxy(request.url.origin))
            if isinstance(meant, AbsentError) and request.url.origin in self._reached:
                # It was there before: it may be starting anew.
                meant = BrokenError(str(meant))
            raise meant from None
        self._reached.add(request.url.origin)
        if watch.expired:
            # Cut off, it may look like an answer that has ended.
            raise LimitError(late)
        return answer

    def _exchange(self, request: Request, watch: Watch) -> Answer:
        manager = self._manager(request.url.origin)
        headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **request.headers}
        given = request.authorization
        if given and given.origin == request.url.origin:
            headers["Authorization"] = given.value
        content: io.BufferedIOBase | bytes | None = None
        if request.body:
            content = request.body()
            headers["Content-Length"] = str(request.length)
        idle = request.idle if request.idle is not None else limits.IDLE
        try:
            response = manager.urlopen(
                request.method,
                str(request.url),
                body=content,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=limits.IDLE, read=idle),
            )
        finally:
            if content is not None and not isinstance(content, bytes):
                content.close()
        body = _read(request, response, watch)
        return Answer(response.status, response.headers, body, request.url)

    def _proxy(self, origin: Origin) -> proxies.Proxy | None:
        return proxies.proxy_for(origin, self.environment)

    def _manager(self, origin: Origin) -> urllib3.PoolManager:
        """Return the connections to an origin, through its proxy if it has one."""
        with self._lock:
            if origin not in self._managers:
                self._managers[origin] = self._new_manager(origin)
            return self._managers[origin]

    def _new_manager(self, origin: Origin) -> urllib3.PoolManager:
        context = None
        if origin.scheme == "https":
            context = tls.context_for(origin, self.environment, insecure=self.insecure)
        if self.insecure:
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        manager: urllib3.PoolManager
        if proxy := self._proxy(origin):
            proxy_headers = None
            if proxy.basic_auth:
                proxy_headers = urllib3.make_headers(proxy_basic_auth=proxy.basic_auth)
            proxy_context = None
            if proxy.origin.scheme == "https":
                proxy_context = tls.context_for(proxy.origin, self.environment)
            manager = urllib3.ProxyManager(
                str(proxy.origin),
                proxy_headers=proxy_headers,
                proxy_ssl_context=proxy_context,
                num_pools=1,
                maxsize=_PER_HOST,
                ssl_context=context,
                blocksize=_CHUNK,
            )
        else:
            manager = urllib3.PoolManager(
                num_pools=1, maxsize=_PER_HOST, ssl_context=context, blocksize=_CHUNK
            )
        manager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
        return manager


def _read(request: Request, response: urllib3.BaseHTTPResponse, watch: Watch) -> bytes:
    """Read a body within its limit; of an answer nobody asked a body of, only the beginning."""
    wanted = request.limit > 0 and 200 <= response.status < 300
    limit = request.limit if wanted else limits.ERROR
    kept: list[bytes] = []
    arrived = 0
    if wanted and request.expect:
        request.expect(_length(response))
    whole = False
    try:
        for piece in response.stream(min(_CHUNK, limit + 1), decode_content=False):
            watch.advance(len(piece))
            arrived += len(piece)
            if arrived > limit:
                if wanted:
                    raise LimitError(f"{request.url.shown}: has more than {limit} bytes")
                kept.append(piece[: limit - arrived])
                return b"".join(kept)
            if wanted and request.take:
                request.take(piece)
            else:
                kept.append(piece)
        whole = True
    except ExcessError:
        if wanted:
            raise
    finally:
        if not whole:
            # The rest would be taken for the next answer.
            response.close()
        response.release_conn()
    return b"".join(kept)


def _length(response: urllib3.BaseHTTPResponse) -> int | None:
    told = response.headers.get("Content-Length", "")
    return int(told) if re.fullmatch(r"[0-9]{1,15}", told) else None


def _causes(error: BaseException) -> list[BaseException]:
    """Return an exception and all it was made of, outermost first."""
    found: list[BaseException] = []
    queue: list[object] = [error]
    while queue and len(found) < 20:
        one = queue.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            queue += [*one.args, getattr(one, "original_error", None), one.__cause__]
            queue.append(getattr(one, "reason", None))
    return found


def _meaning(error: Exception, host: str, proxy: proxies.Proxy | None) -> NetError:
    """Return what an exception of urllib3, http.client or the system means to the user."""
    causes = _causes(error)
    excess = next((one for one in causes if isinstance(one, ExcessError)), None)
    if excess:
        return LimitError(f"{host}: its answer is {excess}")
    if any(isinstance(one, urllib3.exceptions.ProxyError) for one in causes) and proxy:
        refused = next((str(one) for one in causes if "Tunnel connection" in str(one)), "")
        why = re.sub(r".*Tunnel", "Tunnel", refused) or _reason(causes)
        return AbsentError(f"{host}: {proxy}: {why[:200]}; HTTPS_PROXY or HTTP_PROXY names it")
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            return UntrustedError(
                f"{host}: its certificate is not trusted: {one.verify_message};"
                " name its authority's file in SSL_CERT_FILE"
            )
        if isinstance(one, urllib3.exceptions.NameResolutionError):
            return AbsentError(f"{host}: unknown host")
        if isinstance(one, ConnectionRefusedError):
            return AbsentError(f"{host}: {one}")
    for one in causes:
        if isinstance(one, ssl.SSLError) and not isinstance(one, ssl.SSLEOFError):
            return NotTlsError(f"{host}: does not speak TLS ({one})")
        if isinstance(one, (TimeoutError, urllib3.exceptions.TimeoutError)):
            return BrokenError(f"{host}: no answer in time")
    return BrokenError(f"{host}: {_reason(causes)}")


def _reason(causes: list[BaseException]) -> str:
    """Return the innermost reason in words."""
    for one in reversed(causes):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    text = str(causes[-1]) or type(causes[-1]).__name__
    return text[:200]
