"""Asking TorBox's WebDAV server for a new listing, when a mount does not show files yet.

Without a request the server makes one about every 15 minutes. It answers 429 to frequent requests.
"""

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
import structlog

log = structlog.get_logger()

EVERY = 120.0
"""Seconds between two refreshes."""
REFUSED = 900.0
"""Seconds before the next refresh after a refusal."""
TIMEOUT = aiohttp.ClientTimeout(total=15.0)


@dataclass(frozen=True, slots=True)
class WebdavLogin:
    """The address of the server, and the login."""

    url: str
    username: str
    password: str = field(repr=False)


class WebdavRefresh:
    """Asks at most every 2 minutes, however many downloads wait. Errors are only logged."""

    def __init__(
        self, session: aiohttp.ClientSession, login: WebdavLogin, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._login = login
        self._clock = clock
        self._next_at = -math.inf

    async def ask(self) -> None:
        """Ask for a new listing, if the last request is long enough ago."""
        if self._clock() < self._next_at:
            return
        self._next_at = self._clock() + EVERY
        try:
            status = await self._get()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("webdav_refresh_failed", why=type(error).__name__)
            return
        if status >= HTTPStatus.BAD_REQUEST:
            self._next_at = self._clock() + REFUSED
            log.warning("webdav_refresh_refused", status=status, again_in=REFUSED)

    async def _get(self) -> int:
        credentials = f"{self._login.username}:{self._login.password}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        url = f"{self._login.url}/refresh"
        async with self._session.get(url, headers=headers, timeout=TIMEOUT) as answer:
            return answer.status
