"""One request to the CDN, with a limit on every wait and no link in any error."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from bridge.delivery.errors import Interrupted, WrongContent
from bridge.delivery.settings import FetchSettings


@asynccontextmanager
async def answer(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], settings: FetchSettings
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask, and give the answer with its body still to be read.

    Raises:
        Interrupted: no connection, no answer in time, or a body that is cut or stands still.
        WrongContent: the link is not a link.
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
            deadline.reschedule(None)
            yield response


class Pace:
    """Tells a connection that only trickles from one that works.

    Time counts only while the connection is waited for, not what a limit of ours takes.
    """

    def __init__(self, settings: FetchSettings) -> None:
        self._least = settings.slow_bytes_per_second
        self._window = settings.slow_seconds
        self._waited = 0.0
        self._brought = 0

    def too_slow(self, size: int, waited: float) -> bool:
        """Count `size` bytes for which it was waited so long; judge once a window is over."""
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
    """Map what aiohttp raises. Its texts hold links, so none is kept."""
    try:
        yield
    except aiohttp.InvalidURL:
        raise WrongContent("the link is not a link") from None
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
