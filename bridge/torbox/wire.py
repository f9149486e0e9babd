"""One request to TorBox and its answer.

Here are the headers, the limits of time and size, the clock that is compared with TorBox's, and
the only place where exceptions of aiohttp become errors of ours.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import structlog
from aiohttp.http import HttpProcessingError

from bridge import __version__
from bridge.torbox import lenient
from bridge.torbox.budgets import Budgets, Kind
from bridge.torbox.envelope import FALLBACK_WAIT, Answer, parse
from bridge.torbox.errors import (
    BadToken,
    Cooldown,
    NoEndpoint,
    RateLimited,
    ServerTrouble,
    TorBoxError,
    Unreachable,
)
from bridge.torbox.verdicts import verdict

MIB: Final = 1024 * 1024
_CONNECT_SECONDS = 10.0
_SHORTEST_WAIT, _LONGEST_WAIT = 1.0, 7200.0
_HOURLY_LIMITS = range(11, 101)
"""`x-ratelimit-limit` is about 60 when the hourly limit answered, 300 or 5 otherwise."""

log = structlog.get_logger()


USER_AGENT: Final = f"torbox-bridge/{__version__}"

_FOREIGN: Final[Mapping[type[BaseException], tuple[type[TorBoxError], str, bool]]] = {
    aiohttp.ClientConnectorError: (Unreachable, "could not connect to TorBox", False),
    aiohttp.ClientConnectorDNSError: (Unreachable, "TorBox's host name was not found", False),
    aiohttp.ClientSSLError: (Unreachable, "TLS with TorBox failed", False),
    aiohttp.ClientProxyConnectionError: (Unreachable, "could not connect to the proxy", False),
    aiohttp.ClientHttpProxyError: (Unreachable, "the proxy refused", False),
    aiohttp.ServerFingerprintMismatch: (Unreachable, "TLS with TorBox failed", False),
    aiohttp.ConnectionTimeoutError: (Unreachable, "could not connect to TorBox in time", False),
    aiohttp.ServerTimeoutError: (Unreachable, "TorBox did not answer in time", True),
    TimeoutError: (Unreachable, "TorBox did not answer in time", True),
    aiohttp.ClientConnectionError: (Unreachable, "the connection to TorBox was cut", True),
    aiohttp.ClientPayloadError: (Unreachable, "TorBox's answer was cut short", True),
    OSError: (Unreachable, "the connection to TorBox was cut", True),
    aiohttp.ClientResponseError: (ServerTrouble, "TorBox's answer is not HTTP", True),
    HttpProcessingError: (ServerTrouble, "TorBox's answer is not HTTP", True),
    aiohttp.RedirectClientError: (ServerTrouble, "TorBox sent us elsewhere", True),
    aiohttp.InvalidURL: (NoEndpoint, "TorBox's address is not a URL", False),
    aiohttp.NonHttpUrlClientError: (NoEndpoint, "TorBox's address is not http or https", False),
    aiohttp.ClientError: (Unreachable, "the call to TorBox failed", True),
}
"""Per foreign exception: ours, what to say, and whether the request may have had an effect."""


def translate(exc: BaseException) -> TorBoxError:
    """Turn a foreign exception into ours, by its most specific known class.

    Its own text stays out: it may hold the URL, and the URL of a link request holds the key.
    """
    known = next(kind for kind in type(exc).__mro__ if kind in _FOREIGN)
    ours, sentence, unclear = _FOREIGN[known]
    return ours("", f"{sentence} ({_short(exc)})", unclear=unclear)


def _short(exc: BaseException) -> str:
    reason = exc.strerror if isinstance(exc, OSError) else None
    return f"{type(exc).__name__}: {reason}" if reason else type(exc).__name__


@contextmanager
def mapped() -> Iterator[None]:
    """Let nothing of aiohttp out but as a TorBoxError, without the foreign one behind it."""
    try:
        yield
    except tuple(_FOREIGN) as exc:
        raise translate(exc) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask of TorBox. Never holds the API key."""

    kind: Kind
    path: str
    method: str = "GET"
    params: Mapping[str, str | int] = field(default_factory=dict)
    json: Mapping[str, object] | None = None
    form: aiohttp.FormData | None = None
    base: str | None = None
    """Another address than the API's."""
    key_in_query: bool = False
    """The key goes into the query, as links want it, instead of a header."""
    cached: bool = False
    """Of an add: TorBox is known to have it cached, so the hourly limit does not count it."""
    max_bytes: int = MIB
    more_seconds: float = 0.0
    """Added to the time limit, for what TorBox itself takes its time over."""


class Wire:
    """Sends requests to TorBox within the budgets, and reads whatever comes back."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        api_key: Callable[[], str] | str,
        timeout: float,
        budgets: Budgets,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._base = base_url.rstrip("/").removesuffix("/v1/api") + "/v1/api"
        self._api_key = api_key
        self._timeout = timeout
        self.budgets = budgets
        self.clock = clock
        self.offset_seconds = 0.0
        """TorBox's clock minus ours, by the last Date header (which counts whole seconds)."""

    async def call(self, request: Request, *, empty_ok: bool = False) -> Answer:
        """Make a call and return its answer if TorBox did what was asked.

        `empty_ok` lets pass the 404 by which TorBox says that there is nothing to list.

        Raises:
            TorBoxError: it did not, see `errors`.
        """
        answer = await self.send(request)
        error = verdict(answer, self.clock())
        if error is not None and not (empty_ok and answer.empty):
            raise error
        return answer

    async def send(self, request: Request) -> Answer:
        """Make a call and return its answer, whatever it says.

        Raises:
            RateLimited: a budget is used up; nothing was sent.
            BadToken: there is no key to send.
            Unreachable: no answer came.
            ServerTrouble: what came is not HTTP, or larger than it may be.
        """
        key = self._key()
        sent_at = self._spend(request)
        try:
            answer = await self._exchange(request, key, sent_at)
        except Unreachable as error:
            if not error.unclear:
                self._refund(request, sent_at)
            raise
        self._learn(request, answer)
        return answer

    def _key(self) -> str:
        key = (self._api_key if isinstance(self._api_key, str) else self._api_key()).strip()
        if not key or not key.isprintable():
            raise BadToken("NO_AUTH", "no usable TorBox API key is set")
        return key

    def _spend(self, request: Request) -> float:
        now = self.clock()
        ready = self.budgets.ready_at(request.kind, now, cached=request.cached)
        if ready > now:
            detail = "waiting until TorBox allows another call"
            raise RateLimited("", detail, retry_after=ready - now)
        self.budgets.spend(request.kind, now, cached=request.cached)
        return now

    def _refund(self, request: Request, at: float) -> None:
        self.budgets.refund(request.kind, at)
        if request.kind is Kind.CREATE and not request.cached:
            self.budgets.refund(Kind.UNCACHED, at)

    async def _exchange(self, request: Request, key: str, sent_at: float) -> Answer:
        with mapped():
            async with self._session.request(
                request.method,
                f"{request.base or self._base}{request.path}",
                params={**request.params, **({"token": key} if request.key_in_query else {})},
                json=request.json,
                data=request.form,
                headers=_headers(None if request.key_in_query else key),
                timeout=self._limits(request),
                allow_redirects=False,
                raise_for_status=False,
            ) as response:
                body = await _read(response, request.max_bytes)
        return self._answer(response, body, key, sent_at)

    def _limits(self, request: Request) -> aiohttp.ClientTimeout:
        total = self._timeout + request.more_seconds
        return aiohttp.ClientTimeout(total=total, sock_connect=min(total, _CONNECT_SECONDS))

    def _answer(
        self, response: aiohttp.ClientResponse, body: bytes, key: str, sent_at: float
    ) -> Answer:
        now = self.clock()
        date = _date(response.headers.get("Date"))
        if date is not None:
            self.offset_seconds = date - now
        limit = lenient.number(response.headers.get("x-ratelimit-limit"))
        return parse(
            response.status,
            body,
            secret=key,
            retry_after=_retry_after(response.headers, now + self.offset_seconds),
            hourly=limit in _HOURLY_LIMITS,
            used_up=_used_up(response.headers, now + self.offset_seconds),
            sent_at=sent_at,
        )

    def _learn(self, request: Request, answer: Answer) -> None:
        """Keep to what a refusal says about the next calls."""
        now = self.clock()
        hourly = request.kind is Kind.CREATE and answer.hourly and not request.cached
        match verdict(answer, now):
            case RateLimited() as error if hourly:
                self.budgets.blocked(Kind.UNCACHED, now + error.retry_after)
            case RateLimited() as error if request.kind is Kind.CREATE:
                self.budgets.blocked(Kind.CREATE, now + error.retry_after)
                self.budgets.careful(now)
            case RateLimited() as error:
                self.budgets.blocked(request.kind, now + error.retry_after)
            case Cooldown() as error:
                self.budgets.blocked(request.kind, error.until)
            case _:
                if answer.used_up:
                    kind = Kind.UNCACHED if hourly else request.kind
                    self.budgets.blocked(kind, now + answer.used_up)
                return
        log.warning("torbox_asks_to_wait", kind=request.kind.value, error=str(error))


def _headers(key: str | None) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json, */*"}
    return headers if key is None else {**headers, "Authorization": f"Bearer {key}"}


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            detail = f"TorBox's answer is larger than {max_bytes} bytes"
            raise ServerTrouble("", detail, response.status, unclear=True)
    return bytes(body)


def _date(header: str | None) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp() if header else None
    except (ValueError, OverflowError):
        return None


def _used_up(headers: Mapping[str, str], torbox_now: float) -> float:
    """Read how long to wait when this call was the last one allowed for now; else 0."""
    if lenient.number(headers.get("x-ratelimit-remaining")) != 0:
        return 0.0
    wait = _until_reset(headers, torbox_now)
    return 0.0 if wait is None else min(max(wait, 0.0), _LONGEST_WAIT)


def _until_reset(headers: Mapping[str, str], torbox_now: float) -> float | None:
    reset = lenient.number(headers.get("x-ratelimit-reset"))
    unix = lenient.moment(reset)
    return reset if unix is None else unix - torbox_now


def _retry_after(headers: Mapping[str, str], torbox_now: float) -> float:
    """Read how long to wait: seconds or a date, else the reset as a time or as seconds."""
    said = headers.get("Retry-After")
    wait = lenient.number(said)
    if wait is None and (date := _date(said)) is not None:
        wait = date - torbox_now
    if wait is None:
        wait = _until_reset(headers, torbox_now)
    return FALLBACK_WAIT if wait is None else min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT)
