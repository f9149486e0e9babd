"""Requests to the CDN, with a limit on every wait and no link in any error."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from bridge.delivery.delivery_errors import Interrupted, WrongContent
from bridge.delivery.fetch.fetch_settings import FetchSettings


@asynccontextmanager
async def open_response(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], settings: FetchSettings
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a GET request and return the response with its body unread.

    Raises:
        Interrupted: no connection, no answer in time, or a body that is cut or stands still.
        WrongContent: the link is not a URL.
    """
    with _network_errors():
        async with (
            asyncio.timeout(settings.answer_timeout) as deadline,
            session.get(
                url,
                headers=headers,
                timeout=_timeout(settings),
                raise_for_status=False,
                **settings.proxies.options(url),
            ) as response,
        ):
            # From here on sock_read and the StallDetector limit the wait: a body may take hours.
            deadline.reschedule(None)
            yield response


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
