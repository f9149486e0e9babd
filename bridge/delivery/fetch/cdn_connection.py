"""Requests to the CDN, with a limit on every wait, and the check that an answer is the right file.

No error holds a link. The size that TorBox lists is decisive: answers of another size, and
answers that look like an error page, are refused before a byte is written, because TorBox's CDN
sometimes answers 200 with a short JSON body.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import PurePosixPath

import aiohttp
import msgspec
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from bridge.core.addresses import is_public
from bridge.delivery.delivery_errors import (
    EtagChanged,
    Interrupted,
    LinkDead,
    ServerBusy,
    StartOver,
    WrongContent,
)
from bridge.delivery.fetch.fetch_settings import FetchSettings
from bridge.delivery.file_state import UNKNOWN, Validator

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 5


@asynccontextmanager
async def open_response(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], settings: FetchSettings
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a GET request and return the response with its body unread.

    Redirects are followed, but from a public address never to a private one.

    Raises:
        Interrupted: no connection, no answer in time, or a body that is cut or stands still.
        WrongContent: the link is not a URL, or a redirect leads where it may not.
    """
    with _network_errors():
        async with asyncio.timeout(settings.answer_timeout) as deadline, AsyncExitStack() as stack:
            where = _parsed(url)
            for _ in range(_MOST_REDIRECTS):
                request = session.get(
                    where,
                    headers=headers,
                    timeout=_timeout(settings),
                    raise_for_status=False,
                    allow_redirects=False,
                    **settings.proxies.options(str(where)),
                )
                response = await stack.enter_async_context(request)
                if response.status not in _REDIRECTS:
                    break
                location = response.headers.get("Location", "")
                where = await _redirected(where, location, settings)
            else:
                raise WrongContent("the CDN redirects too often")
            # From here on sock_read and the StallDetector limit the wait: a body may take hours.
            deadline.reschedule(None)
            yield response


def _parsed(url: str) -> URL:
    try:
        return URL(url)
    except ValueError:
        raise WrongContent("TorBox gave a link that is not a URL") from None


async def _redirected(origin: URL, location: str, settings: FetchSettings) -> URL:
    """Return where a redirect leads; refuse what the CDN has no business to ask for."""
    try:
        target = origin.join(URL(location))
    except ValueError:
        raise WrongContent("the CDN redirects to something that is not a URL") from None
    if target.scheme not in {"http", "https"} or not target.host:
        raise WrongContent("the CDN redirects to something that is not a web address")
    if settings.proxies.options(str(target)):
        return target  # the proxy resolves the name, and decides
    # A simulator or a proxy at home may redirect within the network; TorBox's CDN may not lead
    # into it, for example to a router or to a cloud's metadata service.
    if await _is_private(target) and not await _is_private(origin):
        raise WrongContent("the CDN redirects to a private address")
    return target


async def _is_private(url: URL) -> bool:
    """Return whether a host is, or resolves to, any address that is not public."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(url.host or "", url.port, type=socket.SOCK_STREAM)
    return not all(is_public(ip_address(str(entry[4][0]).partition("%")[0])) for entry in found)


class StallDetector:
    """Detects a connection that brings next to nothing.

    Only time spent waiting for the connection counts, not the time that a limit of ours takes.
    """

    def __init__(self, settings: FetchSettings) -> None:
        self._least = settings.slow_bytes_per_second
        self._window = settings.slow_seconds
        self._waited = 0.0
        self._brought = 0

    def too_slow(self, size: int, waited: float) -> bool:
        """Count `size` bytes that took `waited` seconds; return True at the end of a slow window."""
        self._brought += size
        self._waited += waited
        if self._waited < self._window:
            return False
        slow = self._brought < self._least * self._waited
        self._brought, self._waited = 0, 0.0
        return slow


def _timeout(settings: FetchSettings) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None,
        connect=settings.connect_timeout,
        sock_connect=settings.connect_timeout,
        sock_read=settings.idle_timeout,
    )


@contextmanager
def _network_errors() -> Iterator[None]:
    """Map the errors of aiohttp. Its texts hold links, so they are dropped."""
    try:
        yield
    except aiohttp.InvalidURL:
        raise WrongContent("TorBox gave a link that is not a URL") from None
    # aiohttp's timeouts are both TimeoutError and ClientError, so this comes first.
    except TimeoutError:
        raise Interrupted("the CDN sent nothing for too long") from None
    except (
        aiohttp.ClientError,
        HttpProcessingError,
        asyncio.IncompleteReadError,
        OSError,
    ) as error:
        kind = type(error).__name__
        raise Interrupted(f"the connection to the CDN failed ({kind})") from None


_DEAD = {401, 403, 404, 410}
_NUMBER = r"\d{1,18}"
"""Python refuses to read a number of thousands of digits, and no file is larger than this."""
_RANGE = re.compile(rf"bytes ({_NUMBER})-({_NUMBER})/({_NUMBER})", re.ASCII)
_UNSATISFIED = re.compile(rf"bytes \*/({_NUMBER})", re.ASCII)
_ERROR_TYPE = re.compile(r"text/html|application/(.+\+)?json", re.IGNORECASE)
_ERROR_BODY = re.compile(
    rb"\s*(<!doctype\s+html|<html"
    rb'|\{\s*"(success|errors?|detail|message|code|status)"\s*:)',
    re.IGNORECASE,
)
_TEXT = frozenset(
    f".{suffix}"
    for suffix in (
        *("ass", "css", "csv", "htm", "html", "ini", "js", "json", "log", "lrc", "md", "nfo"),
        *("opf", "php", "rtf", "sh", "smi", "srt", "ssa", "sub", "svg", "tsv", "txt", "url"),
        *("vtt", "xhtml", "xml", "yaml", "yml"),
    )
)


class RangeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for bytes [start, end) of a file of `size` bytes."""

    name: str
    size: int
    start: int
    end: int
    validator: Validator = UNKNOWN
    """Of the bytes that are on disk already."""
    others: tuple[Validator, ...] = ()
    """Of answers that turned out to have the same bytes."""
    begun: bool = False
    """Some bytes are on disk already, or other requests are on their way."""

    @property
    def whole(self) -> bool:
        """The whole file is wanted, so no range is asked for."""
        return (self.start, self.end) == (0, self.size)

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers."""
        headers = {"Accept-Encoding": "identity"}
        if not self.whole:
            headers["Range"] = f"bytes={self.start}-{self.end - 1}"
            if self.begun and self.validator.if_range and not self.others:
                headers["If-Range"] = self.validator.if_range
        return headers

    def contradicted_by(self, found: Validator) -> bool:
        """Return whether the answer names a version that differs from every known version."""
        known = (self.validator, *self.others)
        return self.begun and all(found.contradicts(one) for one in known)


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted answer: its body holds bytes [start, end) of the file."""

    start: int
    end: int
    ranges: bool
    """The server proved that it serves ranges."""
    validator: Validator


def check_response(
    wanted: RangeRequest, status: int, headers: Mapping[str, str], *, now: float
) -> Body:
    """Return which bytes the body holds, or raise a FetchTrouble if it is not the file.

    `headers` must be case-insensitive. `now` is in unix seconds, for Retry-After.
    """
    if status in _DEAD:
        raise LinkDead(status)
    # Cloudflare's own 52x codes are 5xx as well: the node cannot reach TorBox's storage.
    if status == 429 or status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        raise ServerBusy(status, retry_after(headers.get("Retry-After", ""), now))
    match status:
        case 200:
            _check_kind(wanted, headers)
            return _whole(wanted, headers)
        case 206:
            _check_kind(wanted, headers)
            return _part(wanted, headers)
        case 416:
            raise _unsatisfied(wanted, headers)
        case _:
            raise WrongContent(f"the CDN answered {status}")


def looks_like_error(name: str, beginning: bytes) -> bool:
    """Return whether the first bytes of a file called `name` are those of an error page."""
    return not _is_text(name) and _ERROR_BODY.match(beginning) is not None


def retry_after(value: str, now: float) -> float | None:
    """Read a Retry-After header, seconds or a date, as seconds from now; None if it says nothing."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_text(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _TEXT


def _check_kind(wanted: RangeRequest, headers: Mapping[str, str]) -> None:
    if headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise WrongContent("the CDN sent the file compressed, unasked")
    kind = headers.get("Content-Type", "").strip()
    if _ERROR_TYPE.match(kind) and not _is_text(wanted.name):
        raise WrongContent(f"the CDN sent {kind.split(';')[0]} in place of the file")


def _whole(wanted: RangeRequest, headers: Mapping[str, str]) -> Body:
    _check_length(headers, wanted.size)
    validator = _validator(headers)
    # A 200 to a range request means that the server ignored the range, or that If-Range failed.
    if wanted.whole or not wanted.begun:
        return Body(start=0, end=wanted.size, ranges=False, validator=validator)
    if wanted.contradicted_by(validator):
        raise EtagChanged(validator.etag)
    raise StartOver("the CDN does not serve ranges", ranges=False)


def _part(wanted: RangeRequest, headers: Mapping[str, str]) -> Body:
    found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if wanted.whole or found is None:
        raise WrongContent("the CDN sent a part that was not asked for")
    first, last, total = map(int, found.groups())
    if total != wanted.size:
        raise WrongContent(f"the CDN has {total} bytes, TorBox lists {wanted.size}")
    if first != wanted.start or not first <= last < wanted.end:
        raise WrongContent("the CDN sent another part than was asked for")
    _check_length(headers, last + 1 - first)
    validator = _validator(headers)
    if wanted.contradicted_by(validator):
        raise EtagChanged(validator.etag)
    return Body(start=first, end=last + 1, ranges=True, validator=validator)


def _unsatisfied(wanted: RangeRequest, headers: Mapping[str, str]) -> WrongContent | StartOver:
    found = _UNSATISFIED.fullmatch(headers.get("Content-Range", "").strip())
    if found is not None and int(found[1]) != wanted.size:
        return WrongContent(f"the CDN has {found[1]} bytes, TorBox lists {wanted.size}")
    return StartOver("the CDN refused the range", ranges=False)


def _check_length(headers: Mapping[str, str], expected: int) -> None:
    # Chunked answers have no length; their end is checked when the body has been read.
    length = headers.get("Content-Length", str(expected)).strip()
    if length != str(expected):
        raise WrongContent(f"the CDN sends {length[:20]} bytes, {expected} are due")


def _validator(headers: Mapping[str, str]) -> Validator:
    return Validator(headers.get("ETag", ""), headers.get("Last-Modified", ""))
