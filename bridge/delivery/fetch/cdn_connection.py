"""Requests to the CDN, with a limit on every wait and no link in any error."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from bridge.delivery.delivery_errors import Interrupted, WrongContent
from bridge.delivery.fetch.fetch_settings import FetchSettings

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 5
_NAT64 = IPv6Network("64:ff9b::/96")


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
    return not all(_is_public(str(entry[4][0])) for entry in found)


def _is_public(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        address = inner or address
    return address.is_global and not address.is_multicast


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
