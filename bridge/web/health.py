"""GET /healthz: alive, and the database accepts writes. GET /readyz: nothing blocks work, too.

Neither calls TorBox or reads the disk: they report what earlier calls found.
"""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from math import inf

from aiohttp import web

from bridge.downloads import DownloadService
from bridge.state import Database, DatabaseError

CHECK_SECONDS = 5.0
"""Maximum wait for the database."""
TRUSTED_SECONDS = 3.0
"""A check that succeeded counts for so long: each is a write to the disk, and anybody may ask."""

DOWNLOADS = web.AppKey("health_downloads", DownloadService)


async def healthz(request: web.Request) -> web.Response:
    """Answer 200 `ok`, or 503 with the problem. Needs no session: nothing private is in it."""
    return _answer(await database_troubles(request))


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 `ok`, or 503 with a line for each reason why work is blocked.

    A bridge that is not ready still accepts adds and answers polls, and continues when it can.
    """
    return _answer([*await database_troubles(request), *request.app[DOWNLOADS].troubles])


def _answer(wrong: Sequence[str]) -> web.Response:
    if not wrong:
        return web.Response(text="ok\n")
    return web.Response(status=503, text="".join(f"{line}\n" for line in wrong))


async def database_troubles(request: web.Request) -> list[str]:
    """Return why the database cannot store what is accepted; empty if it can."""
    return await request.app[WRITABLE].troubles()


class Writable:
    """Tells whether the database can be written, with one write for all who ask at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._succeeded_at = -inf

    async def troubles(self) -> list[str]:
        """Return why it cannot be written; empty if it can."""
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._lock:
                if time.monotonic() - self._succeeded_at >= TRUSTED_SECONDS:
                    await self._database.check()
                    self._succeeded_at = time.monotonic()
        except (DatabaseError, sqlite3.Error, TimeoutError) as error:
            return [f"database: {str(error) or 'no answer in time'}"]
        return []


WRITABLE = web.AppKey("writable", Writable)
