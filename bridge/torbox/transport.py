"""Sends a request to TorBox: headers, time and size limits, TorBox's clock.

This is the only place where exceptions of aiohttp become errors of ours.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final

import aiohttp
import msgspec
import structlog
from aiohttp.http import HttpProcessingError
from msgspec.structs import replace

from bridge import USER_AGENT
from bridge.config.outbound_proxy import Proxies
from bridge.torbox import json_values
from bridge.torbox.budgets import Budgets, CallClass
from bridge.torbox.envelope import FALLBACK_WAIT, Answer, parse
from bridge.torbox.error_codes import error_for
from bridge.torbox.errors import (
    Cooldown,
    NoEndpoint,
    NoToken,
    RateLimited,
    ServerError,
    TooLarge,
    TorBoxError,
    Unreachable,
)

MIB: Final = 1024 * 1024
IN_THREAD: Final = 128 * 1024
"""Bytes from which on an answer is parsed in a thread, so that it does not block the loop."""
_CONNECT_SECONDS = 10.0
_SHORTEST_WAIT, _LONGEST_WAIT = 1.0, 7200.0
_HOURLY_LIMITS = range(11, 101)
"""`x-ratelimit-limit` is about 60 when the hourly limit answered, 300 or 5 otherwise."""

log = structlog.get_logger(__name__)


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
    aiohttp.ClientResponseError: (ServerError, "TorBox's answer is not HTTP", True),
    HttpProcessingError: (ServerError, "TorBox's answer is not HTTP", True),
    aiohttp.RedirectClientError: (ServerError, "TorBox sent us elsewhere", True),
    aiohttp.InvalidURL: (NoEndpoint, "TorBox's address is not a URL", False),
    aiohttp.NonHttpUrlClientError: (NoEndpoint, "TorBox's address is not http or https", False),
    aiohttp.ClientError: (Unreachable, "the call to TorBox failed", True),
}
"""Per foreign exception: ours, what to say, and whether the request may have had an effect."""


def translate(exc: BaseException) -> TorBoxError:
    """Return our error for a foreign exception, by its most specific known class.

    The foreign text stays out: it may hold the URL, and the URL of a link request holds the key.
    """
    known = next(kind for kind in type(exc).__mro__ if kind in _FOREIGN)
    ours, sentence, unclear = _FOREIGN[known]
    return ours("", f"{sentence} ({_short(exc)})", unclear=unclear)


def _short(exc: BaseException) -> str:
    reason = exc.strerror if isinstance(exc, OSError) else None
    return f"{type(exc).__name__}: {reason}" if reason else type(exc).__name__


@contextmanager
def mapped() -> Iterator[None]:
    """Turn every exception of aiohttp into a TorBoxError, without the foreign one as its cause."""
    try:
        yield
    except tuple(_FOREIGN) as exc:
        raise translate(exc) from None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request to TorBox. Never holds the API key."""

    call_class: CallClass
    path: str
    method: str = "GET"
    params: Mapping[str, str | int] = msgspec.field(default_factory=dict)
    json: Mapping[str, object] | None = None
    form: aiohttp.FormData | None = None
    base: str | None = None
    """Another address than the API's."""
    key_in_query: bool = False
    """The key goes into the query, as requestdl demands, instead of a header."""
    cached: bool = False
    """Of an add: TorBox is known to have it cached, so the hourly limit does not count it."""
    about_account: bool = False
    """The call is about the account as a whole, so that a refusal is, too; not about one item."""
    max_bytes: int = MIB
    more_seconds: float = 0.0
    """Added to the time limit, for calls that TorBox itself takes its time over."""


class Transport:
    """Sends requests to TorBox within the budgets, and parses whatever comes back."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        api_key: Callable[[], str] | str,
        timeout: float,
        budgets: Budgets,
        clock: Callable[[], float],
        proxies: Proxies | None = None,
    ) -> None:
        self._session = session
        # Users paste the URL with or without the version path.
        self._base = base_url.rstrip("/").removesuffix("/v1/api") + "/v1/api"
        self._api_key = api_key
        self._timeout = timeout
        self._proxies = proxies or Proxies()
        self._answered = 0
        """How many calls were answered by TorBox itself so far."""
        self.budgets = budgets
        self.clock = clock
        self.offset_seconds = 0.0
        """TorBox's clock minus ours, by the last Date header (which counts whole seconds)."""

    async def call(self, request: Request, *, empty_ok: bool = False) -> Answer:
        """Make a call and return its answer if TorBox did what was asked.

        `empty_ok` accepts the 404 by which TorBox says that there is nothing to list.

        Raises:
            TorBoxError: TorBox did not do it, see `errors`.
        """
        answer = await self.send(request)
        error = error_for(answer, self.clock())
        if error is not None and not (empty_ok and answer.empty):
            raise error
        return answer

    async def send(self, request: Request) -> Answer:
        """Make a call and return its answer, whatever it says.

        Raises:
            RateLimited: a budget is used up; nothing was sent.
            NoToken: there is no key to send.
            Unreachable: no answer came.
            ServerError: what came is not HTTP, or larger than it may be.
        """
        key = self._key()
        sent_at = self._spend(request)
        answered_before = self._answered
        try:
            answer = await self._exchange(request, key, sent_at)
        except Unreachable as error:
            # The request never left, so TorBox has not counted it.
            if not error.unclear:
                self._refund(request, sent_at)
            # A call that hangs while others are answered says nothing about TorBox as a whole.
            error.outage = self._answered == answered_before
            raise
        answer = replace(answer, others_answered=self._answered > answered_before)
        # An answer without the envelope comes from the gateway: it proves nothing about TorBox.
        self._answered += answer.success is not None
        self._learn(request, answer)
        return answer

    def _key(self) -> str:
        key = (self._api_key if isinstance(self._api_key, str) else self._api_key()).strip()
        # A newline from a file would make the header invalid and show up as a strange network
        # error.
        if not key or not key.isprintable():
            raise NoToken("NO_AUTH", "no usable TorBox API key is set")
        return key

    def _spend(self, request: Request) -> float:
        now = self.clock()
        ready = self.budgets.ready_at(request.call_class, now, cached=request.cached)
        if ready > now:
            detail = "waiting until TorBox allows another call"
            raise RateLimited("", detail, retry_after=ready - now)
        self.budgets.spend(request.call_class, now, cached=request.cached)
        return now

    def _refund(self, request: Request, at: float) -> None:
        self.budgets.refund(request.call_class, at)
        if request.call_class is CallClass.CREATE and not request.cached:
            self.budgets.refund(CallClass.UNCACHED, at)

    async def _exchange(self, request: Request, key: str, sent_at: float) -> Answer:
        url = f"{request.base or self._base}{request.path}"
        with mapped():
            async with self._session.request(
                request.method,
                url,
                # requestdl takes the key as the parameter `token` only, so its URL must never be
                # logged.
                params={**request.params, **({"token": key} if request.key_in_query else {})},
                json=request.json,
                data=request.form,
                headers=_headers(None if request.key_in_query else key),
                timeout=self._limits(request),
                # requestdl answers 307 when asked to redirect; followed blindly it would send the
                # key elsewhere.
                allow_redirects=False,
                raise_for_status=False,
                **self._proxies.options(url),
            ) as response:
                body = await _read(response, request.max_bytes)
        parsing = partial(self._answer, request, response, body, key, sent_at)
        return await asyncio.to_thread(parsing) if len(body) > IN_THREAD else parsing()

    def _limits(self, request: Request) -> aiohttp.ClientTimeout:
        total = self._timeout + request.more_seconds
        return aiohttp.ClientTimeout(total=total, sock_connect=min(total, _CONNECT_SECONDS))

    def _answer(
        self,
        request: Request,
        response: aiohttp.ClientResponse,
        body: bytes,
        key: str,
        sent_at: float,
    ) -> Answer:
        now = self.clock()
        date = _date(response.headers.get("Date"))
        if date is not None:
            self.offset_seconds = date - now
        limit = json_values.parse_optional_number(response.headers.get("x-ratelimit-limit"))
        answer = parse(response.status, body, secret=key)
        return replace(
            answer,
            retry_after=_retry_after(response.headers, now + self.offset_seconds),
            # The 429 of the hourly limit often has no rate headers; its text then says "60 per 1
            # hour".
            hourly=answer.hourly or limit in _HOURLY_LIMITS,
            used_up=_used_up(response.headers, now + self.offset_seconds),
            sent_at=sent_at,
            about_account=request.about_account,
        )

    def _learn(self, request: Request, answer: Answer) -> None:
        """Update the budgets with what an answer says about further calls of its class."""
        now = self.clock()
        hourly = request.call_class is CallClass.CREATE and answer.hourly and not request.cached
        # Cached creates go on while the hourly limit of uncached ones is used up.
        limited = CallClass.UNCACHED if hourly else request.call_class
        match error_for(answer, now):
            case RateLimited() as error:
                self.budgets.refused(limited, now, error.retry_after)
            case Cooldown() as error:
                self.budgets.blocked(request.call_class, error.until)
            case _:
                # TorBox sends the rate headers with every answer. Stopping at 0 avoids the 429.
                if answer.used_up:
                    self.budgets.blocked(limited, now + answer.used_up)
                return
        ready_at = self.budgets.ready_at(request.call_class, now, cached=request.cached)
        log.warning(
            "torbox_asks_to_wait",
            calls=limited.value,
            error=str(error),
            wait_seconds=round(ready_at - now),
        )


def _headers(key: str | None) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json, */*"}
    return headers if key is None else {**headers, "Authorization": f"Bearer {key}"}


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    too_large = TooLarge(
        "", f"TorBox's answer is larger than {max_bytes} bytes", response.status, unclear=True
    )
    if (response.content_length or 0) > max_bytes:
        raise too_large
    body = bytearray()
    # The announced length may be missing, or that of a compressed body.
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)


def _date(header: str | None) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp() if header else None
    except (ValueError, OverflowError):
        return None


def _used_up(headers: Mapping[str, str], torbox_now: float) -> float:
    """Return the seconds to wait if this call was the last one allowed for now, else 0."""
    if json_values.parse_optional_number(headers.get("x-ratelimit-remaining")) != 0:
        return 0.0
    wait = _until_reset(headers, torbox_now)
    return 0.0 if wait is None else min(max(wait, 0.0), _LONGEST_WAIT)


def _until_reset(headers: Mapping[str, str], torbox_now: float) -> float | None:
    reset = json_values.parse_optional_number(headers.get("x-ratelimit-reset"))
    unix = json_values.parse_timestamp(reset)
    # `x-ratelimit-reset` is unix time, also as a float; some answers carry seconds from now.
    return reset if unix is None else unix - torbox_now


def _retry_after(headers: Mapping[str, str], torbox_now: float) -> float:
    """Return the seconds to wait: from Retry-After (seconds or a date), else from the reset."""
    said = headers.get("Retry-After")
    wait = json_values.parse_optional_number(said)
    if wait is None and (date := _date(said)) is not None:
        wait = date - torbox_now
    if wait is None:
        wait = _until_reset(headers, torbox_now)
    return FALLBACK_WAIT if wait is None else min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT)
